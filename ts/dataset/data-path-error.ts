/** The system's errors about a path of data, in words, with the way out. */
import { DataError } from "../errors.js";

/** Runs an action on `path`; the system's errors become a DataError. `expected`: what should be there, "a folder of images". */
export async function explained<T>(path: string, expected: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (!isSystemError(cause)) throw cause;
    throw new DataError(`data ${path}: ${failureText(cause, expected)}`, { hint: hint(cause, path), cause });
  }
}

export function isSystemError(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && "code" in cause && "syscall" in cause;
}

function failureText(cause: NodeJS.ErrnoException, expected: string): string {
  switch (cause.code) {
    case "ENOENT":
      return `expected ${expected}, but it does not exist`;
    case "ENOTDIR":
      return `expected ${expected}, received a file`;
    case "EISDIR":
      return `expected ${expected}, received a folder`;
    case "EACCES":
    case "EPERM":
      return "cannot be read: permission denied";
    default:
      return `cannot be read: ${cause.message}`;
  }
}

function hint(cause: NodeJS.ErrnoException, path: string): string {
  switch (cause.code) {
    case "ENOENT":
      return "check the path; it is taken relative to the folder in which the command runs";
    case "ENOTDIR":
      return "give the folder in which the file lies; archives other than .tar must be unpacked first";
    case "EISDIR":
      return "give a file, or let data.kind be auto";
    default:
      return `let this user read it and all below: chmod -R u+rX '${path}'`;
  }
}
