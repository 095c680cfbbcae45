import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listRuns } from "../../ts/report/list-runs.js";
import { markForRequeue } from "../../ts/run/requeue.js";
import { watchAt } from "../run/example-run.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { openExample, writeExample } from "./example-runs.js";

async function statesIn(folder: string): Promise<Record<string, string>> {
  const runs = await listRuns(folder);
  return Object.fromEntries(runs.map(({ name, state }) => [name, state]));
}

test("a run is running while a process works on it, and stopped afterwards", async () => {
  const folder = temporaryFolder();
  {
    await using _run = await openExample(join(folder, "a"));
    expect(await statesIn(folder)).toEqual({ a: "running" });
  }
  expect(await statesIn(folder)).toEqual({ a: "stopped" });
});

test("a lock that a killed process left does not make a run running", async () => {
  const folder = temporaryFolder();
  await writeExample(join(folder, "a"), 3);
  writeFileSync(join(folder, "a", "run.lock"), "torn");
  expect(await statesIn(folder)).toEqual({ a: "stopped" });
});

test("a run whose last epoch is done is finished, one with a marker wants to be started again", async () => {
  const folder = temporaryFolder();
  await writeExample(
    join(folder, "done"),
    9,
    "training.epochs=3",
    "schedule.warmupTeacherTemperatureEpochs=0",
    "schedule.warmupEpochs=0",
  );
  await writeExample(join(folder, "stopped"), 4);
  await markForRequeue(join(folder, "stopped"), { signal: "SIGTERM", step: 4, time: "", command: "" });
  expect(await statesIn(folder)).toEqual({ done: "finished", stopped: "requeue" });
});

test("a run without its configuration's text, or with a checkpoint torn, is damaged and still listed", async () => {
  const folder = temporaryFolder();
  await writeExample(join(folder, "a"), 3);
  await writeExample(join(folder, "b"), 3);
  writeFileSync(join(folder, "a", "config.yaml"), "{");
  rmSync(join(folder, "b", "checkpoints", "3", "state.safetensors"));
  expect(await statesIn(folder)).toEqual({ a: "damaged", b: "damaged" });
});

test("the numbers are those of the logs, whose torn last line is left out", async () => {
  const folder = temporaryFolder();
  await writeExample(join(folder, "a"), 5);
  appendFileSync(join(folder, "a", "metrics.jsonl"), '{"step":6,"lo');
  const [run] = await listRuns(folder);
  const mean = [1, 2, 3, 4, 5].reduce((sum, step) => sum + 6.9 / step, 0) / 5;
  expect(run).toMatchObject({ epoch: 2, epochs: 12, step: 5, best: { top1: 0.5, neighbours: 10, step: 0 } });
  expect(run?.loss).toBeCloseTo(mean, 10);
  expect(run?.imagesPerSecond).toBeCloseTo(100, 10);
});

test("runs are found some folders deep, a run itself too, and links are not followed", async () => {
  const folder = temporaryFolder();
  await writeExample(join(folder, "runs", "sweep", "a"), 1);
  mkdirSync(join(folder, "runs", "empty"));
  symlinkSync(join(folder, "runs"), join(folder, "runs", "again"));
  expect((await listRuns(join(folder, "runs"))).map(({ name }) => name)).toEqual(["sweep/a"]);
  expect((await listRuns(join(folder, "runs", "sweep", "a"))).map(({ name }) => name)).toEqual(["."]);
});

test("a folder that does not exist is an error that names it", async () => {
  await expect(listRuns("/nowhere/at/all")).rejects.toThrow("expected a folder, received /nowhere/at/all");
});

test("the signs of the last look are told; a run that was never looked at has none to tell", async () => {
  const folder = temporaryFolder();
  {
    await using run = await openExample(join(folder, "a"));
    await run.logWatch({ ...watchAt(3), signs: ["one prototype"] });
    await run.logWatch({ ...watchAt(6), signs: ["uniform outputs"] });
  }
  await writeExample(join(folder, "b"), 3);
  const runs = await listRuns(folder);
  expect(runs.map(({ signs }) => signs)).toEqual([["uniform outputs"], null]);
});
