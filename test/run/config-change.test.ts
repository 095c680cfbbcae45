import { expect, test } from "vitest";
import { writtenConfig } from "../../ts/config/written.js";
import { configHash, fixedPart, requireSameConfig } from "../../ts/run/config-change.js";
import { exampleConfig } from "./example-run.js";

function fixed(...set: string[]) {
  return fixedPart(writtenConfig(exampleConfig("/runs/a", ...set)));
}

test.each([
  "output=/runs/b",
  "data.workers=7",
  "data.prefetchBatches=9",
  "data.maxSkippedShare=0.5",
  "logging.everySteps=3",
  "checkpoint.everyEpochs=5",
  "checkpoint.everyMinutes=1",
  "evaluate.knn.everyEpochs=1",
])("%s may change while a run goes on", (change) => {
  expect(fixed(change)).toEqual(fixed());
  expect(configHash(fixed(change))).toBe(configHash(fixed()));
});

test.each([
  ["seed", "0", "1"],
  ["precision", '"fp32"', '"bf16"'],
  ["model.depth", "4", "3"],
  ["model.head.batchNorm", "false", "true"],
  ["crops.photometric.hue", "0.1", "0.2"],
  ["crops.localScale", "[0.05,0.25]", "[0.1,0.25]"],
  ["training.epochs", "12", "13"],
])("%s may not, and the error names it and both values", (key, before, after) => {
  const change = () => requireSameConfig(fixed(), fixed(`${key}=${after}`), "/runs/a");
  expect(change).toThrow(`${key}: expected ${before} as in the run in /runs/a, received ${after}`);
  expect(configHash(fixed(`${key}=${after}`))).not.toBe(configHash(fixed()));
});

test.each([
  ["device", "cuda:0", 'device was "cpu" and is now "cuda:0"'],
  ["threads", 1, "threads was 2 and is now 1"],
  ["optimizer.accumulate", 4, "optimizer.accumulate was 1 and is now 4"],
  ["crops.executor", "device", 'crops.executor was "cpu" and is now "device"'],
])("%s may change with the machine, with a remark", (key, value, remark) => {
  const remarks = requireSameConfig(fixed(), { ...fixed(), [key]: value }, "/runs/a");
  expect(remarks).toEqual([`${remark}: the run goes on, but not to the same bits as without the change`]);
});

test("what trades memory for time may change without a remark", () => {
  const saving = { ...fixed(), "model.checkpointBlocks": true };
  expect(requireSameConfig(fixed(), saving, "/runs/a")).toEqual([]);
});

test("nothing is remarked where nothing has changed", () => {
  expect(requireSameConfig(fixed(), fixed(), "/runs/a")).toEqual([]);
});

test("a key that is newer than the run had the effect of its default", () => {
  const { seed: _, "model.srsHeads": __, ...older } = fixed();
  expect(requireSameConfig(older, fixed(), "/runs/a")).toEqual([]);
  expect(() => requireSameConfig(older, fixed("seed=1"), "/runs/a")).toThrow(
    /^seed: expected nothing .* received 1$/,
  );
});

test("a key that is gone is a difference", () => {
  const { seed: _, ...newer } = fixed();
  expect(() => requireSameConfig(fixed(), newer, "/runs/a")).toThrow(
    /^seed: expected 0 .* received nothing$/,
  );
});

test("the hash does not depend on the order of keys", () => {
  const reversed = Object.fromEntries(Object.entries(fixed()).reverse());
  expect(configHash(reversed)).toBe(configHash(fixed()));
});
