/** Reads an image's file, and nothing that would never end or fill the memory. */
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { DataError } from "../errors.js";

/** What an image of the pixel limit's default takes with 16 bits a channel and no compression. */
const LARGEST = 2 ** 30;

export const MISSING = "the file does not exist, or no more";

/** What is wrong with a file, without its name. */
export class UnreadableFile extends Error {}

/** Throws UnreadableFile, or DataError where it is not the file's fault. */
export async function readImageFile(file: string): Promise<Buffer> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK); // else a named pipe waits for a writer
    const status = await handle.stat();
    if (!status.isFile()) throw new UnreadableFile("expected a file, received a folder, a pipe or a device");
    checkLength(status.size);
    return await handle.readFile();
  } catch (cause) {
    throw unreadable(cause);
  } finally {
    await handle?.close();
  }
}

/** Throws UnreadableFile where an image's file is larger than any that is worth reading. */
export function checkLength(bytes: number): void {
  if (bytes <= LARGEST) return;
  throw new UnreadableFile(`expected at most ${LARGEST} bytes, received ${bytes}`);
}

export function unreadable(cause: unknown): UnreadableFile {
  if (cause instanceof UnreadableFile) return cause;
  refuseShortage(cause);
  return new UnreadableFile(reason(cause), { cause });
}

/** The machine is short of something: no fault of the file, and a run that skipped it could not be repeated. */
function refuseShortage(cause: unknown): void {
  const code = codeOf(cause);
  if (code !== "EMFILE" && code !== "ENFILE" && code !== "ENOMEM") return;
  throw new DataError(`data: files cannot be opened any more: ${(cause as Error).message}`, {
    hint:
      code === "ENOMEM"
        ? "make data.workers or data.prefetchBatches smaller"
        : "raise the limit: ulimit -n 65536",
    cause,
  });
}

function codeOf(cause: unknown): unknown {
  return cause instanceof Error && "code" in cause ? cause.code : undefined;
}

function reason(cause: unknown): string {
  switch (codeOf(cause)) {
    case "ENOENT":
      return MISSING;
    case "EACCES":
    case "EPERM":
      return "cannot be read: permission denied";
    case "ELOOP":
      return "is a link that leads in a circle";
    default:
      return `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}
