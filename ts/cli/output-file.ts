/** Files that an option asks for: refused before the work begins, written whole at its end. */
import { constants } from "node:fs";
import { access, mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { RunError } from "../errors.js";
import { fillWholeFile, writeWholeFile } from "../run/whole-files.js";

export interface OutputFile {
  write(content: string | Iterable<string> | Uint8Array): Promise<void>;
  /** `write` writes the file, under the name that it is given. */
  writtenBy(write: (partial: string) => Promise<void>): Promise<void>;
}

/** Makes the folder; throws RunError, which names the option, where the file cannot be written. */
export async function outputFile(option: string, file: string): Promise<OutputFile> {
  const path = resolve(file);
  const explained = <T>(action: () => Promise<T>) => explaining(`${option} ${file}`, action);
  await explained(async () => {
    await mkdir(dirname(path), { recursive: true });
    await access(dirname(path), constants.W_OK);
    if (await isFolder(path)) throw unwritable(`${option} ${file}`, "expected a file, received a folder");
  });
  return {
    write: (content) => explained(() => writeWholeFile(path, content)),
    writtenBy: (write) => explained(() => fillWholeFile(path, write)),
  };
}

async function explaining<T>(what: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw unwritable(what, cause.message, cause);
  }
}

async function isFolder(path: string): Promise<boolean> {
  const status = await stat(path).catch(() => null);
  return status?.isDirectory() ?? false;
}

function unwritable(what: string, reason: string, cause?: Error): RunError {
  return new RunError(`${what}: cannot be written: ${reason}`, {
    hint: "name a file in a folder that may be written to, on a disk with free space",
    cause,
  });
}
