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
  "evaluate.knn.everyEpochs=1",
])("%s may change while a run goes on", (change) => {
  expect(fixed(change)).toEqual(fixed());
  expect(configHash(fixed(change))).toBe(configHash(fixed()));
});

test.each([
  ["seed", "0", "1"],
  ["precision", '"fp32"', '"bf16"'],
  ["threads", "2", "1"],
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

test("a key that only one of two configurations has is a difference", () => {
  const { seed: _, ...older } = fixed();
  expect(() => requireSameConfig(older, fixed(), "/runs/a")).toThrow(
    /^seed: expected nothing .* received 0$/,
  );
  expect(() => requireSameConfig(fixed(), older, "/runs/a")).toThrow(
    /^seed: expected 0 .* received nothing$/,
  );
});

test("the hash does not depend on the order of keys", () => {
  const reversed = Object.fromEntries(Object.entries(fixed()).reverse());
  expect(configHash(reversed)).toBe(configHash(fixed()));
});
