/** The folder of an export: new, or that of an earlier export. */
import { existsSync } from "node:fs";
import { mkdir, readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { RunError, UdiError } from "../errors.js";

/** In every export: what it is of, and its files with their checksums. It tells an export from any other folder. */
export const EXPORT_RECORD = "export.json";

/** Throws RunError unless the folder can be made, is empty, or is an earlier export that may be replaced. */
export async function readyFolder(folder: string, existing: "refuse" | "replace"): Promise<void> {
  await writing(folder, async () => {
    if (!existsSync(folder)) return mkdir(dirname(folder), { recursive: true });
    const names = await readdir(folder);
    if (names.length === 0) return;
    if (!existsSync(join(folder, EXPORT_RECORD))) {
      const hint = "choose another --out: only an earlier export is ever replaced";
      throw new RunError(`out: expected a new folder, received ${folder}, which holds ${names[0]}`, { hint });
    }
    if (existing === "replace") return;
    throw new RunError(`out: expected a new folder, received ${folder}, which holds an export`, {
      hint: "choose another --out, or replace it with --force",
    });
  });
}

/** A full disk, a folder that cannot be written or a file in its place is something that the user can mend. */
export async function writing<T>(folder: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (cause instanceof UdiError || !(cause instanceof Error && "syscall" in cause)) throw cause;
    throw new RunError(`out: ${folder} cannot be written: ${cause.message}`, {
      hint: "choose another --out, free some space or permit writing",
      cause,
    });
  }
}
