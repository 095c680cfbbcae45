/** Whether what a run or a checkpoint left on the disk is whole and belongs together. Nothing is changed. */
import { existsSync, statSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { loadConfig } from "../config/load.js";
import { RunError } from "../errors.js";
import { RECORD_FILE } from "../run/checkpoint-record.js";
import { checkpointSteps } from "../run/checkpoints.js";
import { RUN_FILES } from "../run/run-files.js";
import type { Check } from "./checks/check.js";
import { attempt } from "./checks/check.js";
import { checkpointChecks } from "./checks/checkpoint-checks.js";
import { logChecks } from "./checks/log-checks.js";

export interface Verification {
  /** What was named, absolute. */
  readonly path: string;
  readonly kind: "run" | "checkpoint";
  /** Whether no check found damage. */
  readonly sound: boolean;
  readonly checks: readonly Check[];
}

export interface VerifyOptions {
  /** Called with each check as it is made: the checksums of large checkpoints take a while. */
  readonly onCheck?: (check: Check) => void;
}

/** Throws RunError where there is neither a run nor a checkpoint. Damage is no error but a check that found it. */
export async function verify(path: string, { onCheck }: VerifyOptions = {}): Promise<Verification> {
  const folder = resolve(path);
  const kind = kindOf(folder);
  const checks: Check[] = [];
  for await (const check of kind === "run" ? runChecks(folder) : checkpointChecks(folder, basename(folder))) {
    checks.push(check);
    onCheck?.(check);
  }
  return { path: folder, kind, sound: checks.every(({ outcome }) => outcome !== "damaged"), checks };
}

function kindOf(folder: string): Verification["kind"] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
    if (existsSync(join(folder, RUN_FILES.config)) || existsSync(join(folder, RUN_FILES.checkpoints)))
      return "run";
    if (existsSync(join(folder, RECORD_FILE))) return "checkpoint";
  }
  throw new RunError(`path: expected the folder of a run or of a checkpoint, found none at ${folder}`, {
    hint: "npx udi-native inspect PATH tells what is in other files of weights",
  });
}

async function* runChecks(run: string): AsyncGenerator<Check> {
  yield attempt("config.yaml", "readable", () => {
    loadConfig({ file: join(run, RUN_FILES.config) });
    return "";
  });
  const parent = join(run, RUN_FILES.checkpoints);
  const steps = checkpointSteps(parent);
  if (steps.length === 0)
    yield { part: "checkpoints", name: "there", outcome: "skipped", detail: "none yet" };
  for (const step of steps) yield* checksWhileThere(join(parent, String(step)), `checkpoints/${step}`);
  yield* logChecks(run, steps[0] ?? 0);
}

/** A run that goes on removes its older checkpoints: one that goes away under our eyes is not damaged. */
async function* checksWhileThere(folder: string, part: string): AsyncGenerator<Check> {
  for await (const check of checkpointChecks(folder, part)) {
    const gone = check.outcome === "damaged" && !existsSync(folder);
    yield gone ? { ...check, outcome: "skipped", detail: "the run has removed it meanwhile" } : check;
  }
}
