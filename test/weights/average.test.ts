import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { RunError } from "../../ts/errors.js";
import { openEngine } from "../../ts/native/engine.js";
import { verifyCheckpoint } from "../../ts/run/checkpoint-record.js";
import { averageCheckpoints } from "../../ts/weights/average.js";
import { openCheckpoint } from "../../ts/weights/open-checkpoint.js";
import { sharedFolder } from "../end-to-end/photos.js";
import { OPTIONS } from "../native/small-engine.js";
import { readNote, readTensors, type Tensor, type Tensors, writeTensors } from "../safetensors-file.js";
import { trainTiny } from "./tiny-runs.js";

const folder = sharedFolder();
let runs: string[];

beforeAll(async () => {
  runs = [];
  for (const seed of [0, 1, 2]) runs.push(await trainTiny(folder, `seed-${seed}`, `seed=${seed}`));
});

function networks(file: string): Tensors {
  const kept = Object.entries(readTensors(file)).filter(([name]) => /^(student|teacher)\./.test(name));
  return Object.fromEntries(kept);
}

function state(checkpoint: string): string {
  return join(checkpoint, "state.safetensors");
}

test("student and teacher are means, made in fp64, and nothing else is in the result", async () => {
  const out = join(folder, "mean");
  const averaged = await averageCheckpoints({ checkpoints: runs, out });
  expect(averaged).toMatchObject({ folder: out, networks: ["student", "teacher"], remarks: [] });
  const sources = averaged.files.map(networks);
  const mean = readTensors(state(out));
  expect(Object.keys(mean).sort()).toEqual(Object.keys(sources[0] as Tensors).sort());
  for (const [name, { shape, values }] of Object.entries(mean)) {
    const inputs = sources.map((source) => source[name]?.values as Float32Array);
    expect(shape).toEqual(sources[0]?.[name]?.shape);
    const expected = values.map((_, at) => inputs.reduce((sum, input) => sum + (input[at] as number), 0) / 3);
    expect(values).toEqual(expected);
  }
});

test("the result is a whole checkpoint that says what it is of", async () => {
  const out = join(folder, "whole");
  const newest = runs.map((run) => join(run, "checkpoints", "4"));
  await averageCheckpoints({
    checkpoints: [...newest.slice(0, 2), join(newest[2] as string, "state.safetensors")],
    out,
  });
  const record = await verifyCheckpoint(out);
  expect(record).toMatchObject({
    step: 4,
    dataset: { images: 16 },
    config: { "model.width": 32 },
    origin: `the average of ${newest.map(state).join(", ")}`,
  });
  const { kind, model, facts } = await openCheckpoint(out);
  expect([kind, model.heads, facts.optimizer]).toEqual(["checkpoint", 2, null]);
});

test("the average of a checkpoint with itself is the same", async () => {
  const out = join(folder, "itself");
  const one = join(runs[0] as string, "checkpoints", "2");
  await averageCheckpoints({ checkpoints: [one, one], out });
  expect(networks(state(out))).toEqual(networks(state(one)));
});

test("no run goes on from it, and the error says what is missing", async () => {
  const out = join(folder, "no-run");
  await averageCheckpoints({ checkpoints: runs.slice(0, 2), out });
  expect(readNote(state(out), "format")).toBe("udi-native networks 1");
  await using native = await openEngine(OPTIONS);
  await expect(native.load(state(out))).rejects.toThrow(
    /expected a file marked "udi-native state 1", found "udi-native networks 1"/,
  );
});

test.each([
  [["model.depth=3"], /model\.depth: expected 2 as in .*seed-0.*, found 3$/],
  [["model.head.prototypes=65"], /model\.head\.prototypes: expected 64 as in .*, found 65$/],
  [["model.heads=4", "model.srsHeads=2"], /model\.heads: expected 2 as in .*, found 4$/],
])("another architecture is refused (%j), and nothing is left of the attempt", async (set, message) => {
  const other = await trainTiny(folder, `other-${set.join()}`, "training.epochs=1", ...SHORT, ...set);
  const out = join(folder, "refused");
  const averaging = averageCheckpoints({ checkpoints: [runs[0] as string, other], out });
  await expect(averaging).rejects.toBeInstanceOf(RunError);
  await expect(averaging).rejects.toThrow(message);
  expect(existsSync(out)).toBe(false);
});

const SHORT = ["schedule.warmupTeacherTemperatureEpochs=1"];

test("values that are no numbers are refused with their tensor", async () => {
  const broken = join(folder, "broken.safetensors");
  const tensors = networks(state(join(runs[0] as string, "checkpoints", "4")));
  const [name, tensor] = Object.entries(tensors).find(([key]) => key.startsWith("teacher.")) as [
    string,
    Tensor,
  ];
  tensor.values[3] = Number.NaN;
  writeTensors(broken, tensors);
  await expect(
    averageCheckpoints({ checkpoints: [runs[0] as string, broken], out: join(folder, "nan") }),
  ).rejects.toThrow(`${broken}: ${name}: expected finite values, found NaN`);
});

test("one checkpoint is no average, and a folder that holds something is left alone", async () => {
  const [first, second] = runs as [string, string];
  await expect(averageCheckpoints({ checkpoints: [first], out: join(folder, "one") })).rejects.toThrow(
    "expected at least two, received 1",
  );
  const before = readFileSync(join(first, "config.yaml"), "utf8");
  await expect(averageCheckpoints({ checkpoints: [first, second], out: first })).rejects.toThrow(
    /expected a new folder/,
  );
  expect(readFileSync(join(first, "config.yaml"), "utf8")).toBe(before);
});
