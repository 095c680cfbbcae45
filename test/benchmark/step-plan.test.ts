import { expect, test } from "vitest";
import { stepPlan, stepPlanText } from "../../ts/benchmark/step-plan.js";
import { loadConfig } from "../../ts/config/load.js";
import { resolveConfig } from "../../ts/config/resolve.js";
import { CPU_MACHINE } from "../config/facts.js";

function planOf(set: readonly string[]) {
  const config = loadConfig({
    file: "defaults",
    set: ["training.batchSize=3", "crops.localCrops=2", ...set],
  });
  return stepPlan(resolveConfig(config, CPU_MACHINE));
}

test("a plan is plain data: options, shape, and maps of that shape as lists of numbers", () => {
  const plan = planOf(["optimizer.accumulate=3", "model.checkpointBlocks=true"]);
  const read = JSON.parse(stepPlanText(plan));
  expect(read.options).toEqual(plan.options);
  expect(read.options).toMatchObject({ optimizer: { accumulate: 3 }, model: { checkpointBlocks: true } });
  expect(read.shape).toEqual({ images: 3, globalSize: 224, localCrops: 2, localSize: 96 });
  expect(read.maps.globalSource).toHaveLength(2 * 3 * 16);
  expect(read.maps.globalTarget.tokens).toHaveLength(2 * 3 * 16 * 4);
  expect(read.maps.localTarget.weights).toHaveLength(4 * 3 * 9 * 4);
  expect(Float32Array.from(read.maps.localTarget.weights)).toEqual(plan.maps?.localTarget.weights);
  expect(read.teraOperations).toBeGreaterThan(0.1);
});

test("a model without a patch level has a plan without maps", () => {
  expect(planOf(["model.includePatch=false"]).maps).toBeNull();
});
