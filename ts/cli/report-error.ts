/** How an error ends the command line. */
import pc from "picocolors";
import { UdiError } from "../errors.js";

/** What to print on stderr, and the exit status: 2 for what the user can mend, 1 for what failed. */
export interface ErrorReport {
  readonly text: string;
  readonly exitCode: 1 | 2;
}

/** A UdiError is for the user: message and way out. Anything else is a defect: its stack. */
export function reportError(error: unknown): ErrorReport {
  if (!(error instanceof UdiError)) return { text: stackOf(error), exitCode: 1 };
  const hint = error.hint === undefined ? "" : `\n${pc.cyan("hint:")} ${error.hint}`;
  return { text: `${pc.red("error:")} ${error.message}${hint}`, exitCode: error.exitCode };
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
