/** Runs on the disk, as training leaves them. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { enterRun } from "../../ts/run/enter-run.js";
import { openRun, type Run } from "../../ts/run/run.js";
import {
  dataset,
  engineAt,
  environment,
  evaluationAt,
  exampleConfig,
  progressAt,
  stepAt,
} from "../run/example-run.js";

/** A run that somebody works on until it is disposed of. */
export async function openExample(folder: string, ...set: string[]): Promise<Run> {
  mkdirSync(folder, { recursive: true });
  const config = exampleConfig(folder, ...set);
  return openRun(await enterRun({ config, dataset, mode: "start", onRemark: () => {} }), environment);
}

/** After `steps` steps of epochs of three, with a checkpoint of the last one and an evaluation before the first. */
export async function writeExample(folder: string, steps: number, ...set: string[]): Promise<void> {
  await using run = await openExample(folder, ...set);
  await run.logEvaluation(evaluationAt(0));
  for (let step = 1; step <= steps; step++) {
    await run.logStep(stepAt(step), skippedAt(step));
  }
  await run.save(engineAt(steps), progressAt(steps));
}

function skippedAt(step: number) {
  if (step !== 2) return [];
  return [{ step, epoch: 1, file: join("/data/photos", "<i>torn</i>.jpg"), reason: "no image" }];
}
