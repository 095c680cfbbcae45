/** A real disk that can be filled: a tmpfs of its own. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk extends Disposable {
  readonly folder: string;
  /** Takes all of the room but so many bytes, in a file of its own. */
  fill(leaving: number): void;
  /** Gives it back. */
  empty(): void;
}

/** Why there can be no such disk here (mounting one takes root), or null. */
export const noSmallDisk: string | null = reason();

export function smallDisk(bytes: number): SmallDisk {
  const folder = mkdtempSync(join(tmpdir(), "udi-disk-"));
  mount(folder, bytes);
  const filler = join(folder, "filler");
  return {
    folder,
    fill(leaving) {
      const { bavail, bsize } = statfsSync(folder);
      writeFileSync(filler, Buffer.alloc(bavail * bsize - leaving));
    },
    empty: () => rmSync(filler),
    [Symbol.dispose]() {
      unmount(folder);
    },
  };
}

function reason(): string | null {
  const folder = mkdtempSync(join(tmpdir(), "udi-disk-"));
  try {
    mount(folder, 1 << 20);
    unmount(folder);
    return null;
  } catch (error) {
    rmSync(folder, { recursive: true });
    return `no disk can be mounted here: ${(error as Error).message.split("\n")[1] ?? "no root"}`;
  }
}

function mount(folder: string, bytes: number): void {
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", folder], { stdio: "pipe" });
}

function unmount(folder: string): void {
  execFileSync("umount", ["--lazy", folder], { stdio: "pipe" });
  rmSync(folder, { recursive: true });
}
