/** Runs `udi-native verify`. */
import pc from "picocolors";
import type { Check } from "../weights/checks/check.js";
import { verify } from "../weights/verify.js";

/** Sets the exit status to 1 where something is damaged. */
export async function runVerify(path: string, output: "json" | "text"): Promise<void> {
  const onCheck = (check: Check) => console.log(checkText(check));
  const verification = await verify(path, output === "text" ? { onCheck } : {});
  if (output === "json") console.log(JSON.stringify(verification));
  else console.log(verdict(verification.checks));
  if (!verification.sound) process.exitCode = 1;
}

const COLOURS = { good: pc.green, damaged: pc.red, skipped: pc.dim } as const;

/** One check in one line. */
export function checkText({ part, name, outcome, detail }: Check): string {
  const why = detail === "" ? "" : `: ${detail}`;
  return `${COLOURS[outcome](outcome.padEnd(8))}${part}  ${name}${why}`;
}

function verdict(checks: readonly Check[]): string {
  const damaged = checks.filter(({ outcome }) => outcome === "damaged").length;
  return damaged === 0 ? "sound" : pc.red(`${damaged} of ${checks.length} checks found damage`);
}
