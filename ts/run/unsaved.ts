/** The error of a run whose last state cannot be kept: how much room there is, and what could be freed. */
import { statfs } from "node:fs/promises";
import { StorageError } from "../errors.js";

export async function unsaved(folder: string, step: number, cause: Error): Promise<StorageError> {
  const message = `step ${step}: expected to leave a checkpoint in ${folder}, received: ${cause.message}`;
  return new StorageError(message, {
    hint: `make room on the disk of ${folder}${await freeSpace(folder)} or let it be written to, then go on with --resume: the steps since the last good checkpoint are made again`,
    cause,
  });
}

async function freeSpace(folder: string): Promise<string> {
  try {
    const { bavail, bsize } = await statfs(folder);
    return `, where ${byteText(bavail * bsize)} are free,`;
  } catch {
    return "";
  }
}

/** 734 MB, 1.5 GB. */
function byteText(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(bytes, 1)) / 3)));
  return `${Number((bytes / 1000 ** power).toPrecision(3))} ${units[power]}`;
}
