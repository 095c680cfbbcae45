import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  checkpointSteps,
  newestCheckpoint,
  pruneCheckpoints,
  writeCheckpoint,
} from "../../ts/run/checkpoints.js";
import { dataset, engineAt, progressAt } from "./example-run.js";
import { temporaryFolder } from "./temporary-folder.js";

const facts = {
  dataset,
  config: { seed: 0 },
  configHash: "b".repeat(64),
  versions: { "udi-native": "0.1.0" },
};

async function write(parent: string, ...steps: number[]): Promise<void> {
  for (const step of steps) await writeCheckpoint(parent, engineAt(step), { ...progressAt(step), ...facts });
}

/** The newest checkpoint's step, and the remarks made on the way to it. */
async function newest(parent: string): Promise<{ step: number | undefined; remarks: string[] }> {
  const remarks: string[] = [];
  const found = await newestCheckpoint(parent, (line) => remarks.push(line));
  return { step: found?.record.step, remarks };
}

test("a checkpoint holds the state and what it is of", async () => {
  const parent = temporaryFolder();
  await write(parent, 4);
  const found = await newestCheckpoint(parent, () => {});
  expect(readFileSync(String(found?.state), "utf8")).toBe("state after step 4");
  expect(found?.record).toMatchObject({ format: 1, step: 4, position: { epoch: 1, index: 1 }, ...facts });
  expect(readdirSync(join(parent, "4")).sort()).toEqual(["checkpoint.json", "state.safetensors"]);
});

test("steps are ordered as numbers, and unfinished folders are none", async () => {
  const parent = temporaryFolder();
  await write(parent, 9, 10, 100);
  mkdirSync(join(parent, "200.partial"));
  expect(checkpointSteps(parent)).toEqual([100, 10, 9]);
});

test("a run without checkpoints has no newest one", async () => {
  expect(await newest(temporaryFolder())).toEqual({ step: undefined, remarks: [] });
  expect(await newest(join(temporaryFolder(), "missing"))).toEqual({ step: undefined, remarks: [] });
});

test.each([
  [
    "a state file with one byte too many",
    (folder: string) => appendFileSync(join(folder, "state.safetensors"), "x"),
  ],
  ["a missing state file", (folder: string) => rmSync(join(folder, "state.safetensors"))],
  ["a torn record", (folder: string) => writeFileSync(join(folder, "checkpoint.json"), '{"format": 1, ')],
  ["a record of another kind", (folder: string) => writeFileSync(join(folder, "checkpoint.json"), "{}")],
])("%s is passed over with a remark that names it", async (_, damage) => {
  const parent = temporaryFolder();
  await write(parent, 3, 6);
  damage(join(parent, "6"));
  const { step, remarks } = await newest(parent);
  expect(step).toBe(3);
  expect(remarks).toHaveLength(1);
  expect(remarks[0]).toContain(`${join(parent, "6")} is damaged and is passed over: `);
});

test("a run whose checkpoints are all damaged is an error, not a new beginning", async () => {
  const parent = temporaryFolder();
  await write(parent, 3, 6);
  for (const step of ["3", "6"]) writeFileSync(join(parent, step, "state.safetensors"), "");
  await expect(newest(parent)).rejects.toThrow(/expected a whole checkpoint, found 2, all damaged/);
});

test("a damaged checkpoint is replaced when its step is reached again", async () => {
  const parent = temporaryFolder();
  await write(parent, 3, 6);
  writeFileSync(join(parent, "6", "state.safetensors"), "");
  await write(parent, 6);
  expect(await newest(parent)).toEqual({ step: 6, remarks: [] });
});

test("the newest ones stay, and those at the end of every so many epochs", async () => {
  const parent = temporaryFolder();
  for (const step of [2, 3, 4, 6, 8, 9, 12, 13]) {
    await write(parent, step);
    await pruneCheckpoints(parent, step, { keepLast: 2, keepEveryEpochs: 2 });
  }
  expect(checkpointSteps(parent)).toEqual([13, 12, 6]); // epochs of three steps: 6 and 12 end epochs 2 and 4
  expect(readdirSync(parent)).toHaveLength(3);
});

test("a newer, damaged one does not count among the newest", async () => {
  const parent = temporaryFolder();
  await write(parent, 3, 4, 9);
  await pruneCheckpoints(parent, 4, { keepLast: 1, keepEveryEpochs: 0 });
  expect(checkpointSteps(parent)).toEqual([9, 4]);
});
