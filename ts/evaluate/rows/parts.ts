/** Files under temporary names that become whole together. */
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { writeAll } from "../tensor-file.js";

/** A file that grows under a temporary name. */
export interface Part {
  readonly partial: string;
  readonly handle: FileHandle;
  append(bytes: Uint8Array | string): Promise<void>;
  /** Flushed to the disk and closed. */
  close(): Promise<void>;
  /** Takes its name; closed before. */
  settle(): Promise<void>;
  discard(): Promise<void>;
}

export async function openPart(file: string): Promise<Part> {
  const partial = `${file}.${process.pid}.partial`;
  const handle = await open(partial, "w+");
  return {
    partial,
    handle,
    append: (bytes) => writeAll(handle, typeof bytes === "string" ? Buffer.from(bytes) : bytes),
    async close() {
      await handle.sync();
      await handle.close();
    },
    settle: () => rename(partial, file),
    async discard() {
      await handle.close().catch(() => {});
      await rm(partial, { force: true });
    },
  };
}

/** Bytes of a typed array: its own memory. */
export function bytesOf(array: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** One JSON object a line: path and label of each row. */
export function rowLines(paths: readonly string[], labels: readonly (string | null)[]): string {
  return paths.map((path, at) => `${JSON.stringify({ path, label: labels[at] ?? null })}\n`).join("");
}
