/** A run's event files, read back with TensorBoard's own reader. */
import { readdirSync, readFileSync, statSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { enterRun } from "../../../ts/run/enter-run.js";
import { openRun, type Run } from "../../../ts/run/run.js";
import { askProgram, pythonNote, testPython } from "../../python/test-python.js";
import {
  dataset,
  engineAt,
  environment,
  evaluationAt,
  exampleConfig,
  progressAt,
  stepAt,
} from "../example-run.js";
import { temporaryFolder } from "../temporary-folder.js";

interface Found {
  readonly scalars: Readonly<Record<string, readonly (readonly [number, number])[]>>;
  readonly records: number;
}

const onRemark = () => {};
const withEvents = "logging.tensorboard=true";

async function run(folder: string, mode: "start" | "resume", ...set: string[]): Promise<Run> {
  const config = exampleConfig(folder, ...set);
  return openRun(await enterRun({ config, dataset, mode, onRemark }), environment);
}

async function makeSteps(run: Run, from: number, to: number): Promise<void> {
  for (let step = from; step <= to; step++) await run.logStep(stepAt(step), []);
}

function readEvents(folder: string): Promise<Found> {
  return askProgram<Found>("events.py", { folder: join(folder, "tensorboard") });
}

function stepsOf(found: Found, tag: string): number[] {
  return (found.scalars[tag] ?? []).map(([step]) => step);
}

/** Killed after 5 steps, of which the checkpoint holds 3; then up to 8. */
async function resumedRun(folder: string): Promise<void> {
  {
    await using first = await run(folder, "start", withEvents);
    await first.logEvaluation(evaluationAt(0));
    await makeSteps(first, 1, 3);
    await first.save(engineAt(3), progressAt(3));
    await first.settled();
    await makeSteps(first, 4, 5);
    await first.logEvaluation(evaluationAt(5));
  }
  await using second = await run(folder, "resume", withEvents);
  await makeSteps(second, 4, 8);
}

test("nothing is written for TensorBoard unless the configuration asks for it", async () => {
  const folder = temporaryFolder();
  {
    await using silent = await run(folder, "start");
    await makeSteps(silent, 1, 2);
  }
  expect(readdirSync(folder)).not.toContain("tensorboard");
});

describe.skipIf(testPython === null)(`TensorBoard${pythonNote}`, () => {
  test("finds every value of every step and evaluation", async () => {
    const folder = temporaryFolder();
    {
      await using whole = await run(folder, "start", withEvents);
      await whole.logEvaluation(evaluationAt(0));
      await makeSteps(whole, 1, 4);
    }
    const found = await readEvents(folder);
    const float = (value: number) => Math.fround(value);
    expect(found.scalars["loss/total"]).toEqual([1, 2, 3, 4].map((step) => [step, float(6.9 / step)]));
    expect(found.scalars["loss/term/globalCls"]).toHaveLength(4);
    expect(found.scalars["schedule/learningRate"]?.[1]).toEqual([2, float(2e-4)]);
    expect(found.scalars["gradient/norm"]?.[3]).toEqual([4, float(1 / 3)]);
    expect(found.scalars["knn/top1/k10"]).toEqual([[0, 0.5]]);
  });

  test("finds no step twice in a run that was killed and taken up again", async () => {
    const folder = temporaryFolder();
    await resumedRun(folder);
    const found = await readEvents(folder);
    expect(stepsOf(found, "loss/total")).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(stepsOf(found, "knn/top1/k10")).toEqual([0]);
    // The reader drops what a restart makes void, so this alone shows that it is also gone from the files.
    const [versions, restart, evaluations, steps] = [2, 1, 1, 8];
    expect(found.records).toBe(versions + restart + evaluations + steps);
  });

  test("finds the steps of a file whose last record a crash tore", async () => {
    const folder = temporaryFolder();
    {
      await using first = await run(folder, "start", withEvents);
      await makeSteps(first, 1, 3);
      await first.save(engineAt(3), progressAt(3));
    }
    const [name = ""] = readdirSync(join(folder, "tensorboard"));
    const file = join(folder, "tensorboard", name);
    const { length } = readFileSync(file);
    truncateSync(file, length - 7);
    {
      await using second = await run(folder, "resume", withEvents);
      await makeSteps(second, 4, 5);
    }
    expect(statSync(file).size).toBeLessThan(length - 7);
    expect(stepsOf(await readEvents(folder), "loss/total")).toEqual([1, 2, 4, 5]);
  });
});
