/** What a step benchmark computes on, decided here: views with real geometry. Their pixels are whoever runs it to draw. */

import { engineOptions } from "../config/engine-options.js";
import type { ResolvedConfig } from "../config/resolved.js";
import { packMaps } from "../native/pack-maps.js";
import type { BatchShape, NativeOptions, SamplingMaps, ScheduleValues } from "../native/types.js";
import { randomStream } from "../random.js";
import { multiCropRecipe } from "../recipe/multi-crop.js";
import type { ImageRecipe } from "../recipe/types.js";
import { stepOperations, stepSize } from "./step-operations.js";

/** Size of the images that the views are cut from: that of a usual photograph of ImageNet. */
export const BENCH_IMAGE = { width: 500, height: 375 } as const;

/** Every timed step has these values. */
export const BENCH_SCHEDULE: ScheduleValues = {
  learningRate: 1e-4,
  weightDecay: 0.04,
  momentum: 0.996,
  teacherTemperature: 0.04,
  freezeLastLayer: false,
};

export interface BenchRecipes {
  readonly shape: BatchShape;
  readonly recipes: readonly ImageRecipe[];
  /** Matrix products of a step, in 10^12 operations; see step-operations.ts. */
  readonly teraOperations: number;
}

/** The recipes of one batch of the configuration. */
export function benchRecipes(config: ResolvedConfig): BenchRecipes {
  const { crops, training, seed, model } = config;
  const { globalSize, localCrops, localSize } = crops;
  const images = training.batchSize;
  const recipes = Array.from({ length: images }, (_, index) =>
    multiCropRecipe(BENCH_IMAGE, crops, randomStream(seed, "bench", index)),
  );
  return {
    shape: { images, globalSize, localCrops, localSize },
    recipes,
    teraOperations: stepOperations(model, stepSize(recipes, localSize)) / 1e12,
  };
}

/** A benchmark as plain data, for crates/udi/examples/bench_step on a machine without Node. */
export interface StepPlan {
  readonly options: NativeOptions;
  readonly schedule: ScheduleValues;
  readonly shape: BatchShape;
  readonly maps: SamplingMaps | null;
  readonly teraOperations: number;
}

export function stepPlan(config: ResolvedConfig): StepPlan {
  const { shape, recipes, teraOperations } = benchRecipes(config);
  const maps = packMaps(
    recipes.map((recipe) => ({ ...recipe })),
    shape,
  );
  return { options: engineOptions(config), schedule: BENCH_SCHEDULE, shape, maps, teraOperations };
}

/** Typed arrays as arrays. */
export function stepPlanText(plan: StepPlan): string {
  return JSON.stringify(plan, (_, value) => (ArrayBuffer.isView(value) ? [...(value as Int32Array)] : value));
}
