/** What a reader is told where something cannot be shown. */
import { UdiError } from "../errors.js";

export interface Problem {
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Of an error for the user, or of the system: a run may go while it is read. Throws anything else, which is a defect. */
export function problemOf(error: unknown): Problem {
  if (error instanceof UdiError) return { message: error.message, hint: error.hint };
  if (error instanceof Error && "syscall" in error) return { message: error.message };
  throw error;
}
