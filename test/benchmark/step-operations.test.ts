import { expect, test } from "vitest";
import { type StepSize, stepOperations, stepSize } from "../../ts/benchmark/step-operations.js";
import type { ModelOptions } from "../../ts/native/types.js";
import { randomStream } from "../../ts/random.js";
import { multiCropRecipe } from "../../ts/recipe/multi-crop.js";
import { PUBLISHED_CROPS } from "../recipe/published-crops.js";

const SMALL: ModelOptions = {
  width: 384,
  depth: 12,
  heads: 6,
  mlpRatio: 4,
  patchSize: 16,
  imageSize: 224,
  classTokens: 2,
  includePatch: true,
  srsHeads: 6,
  dropPathRate: 0.1,
  checkpointBlocks: false,
  head: {
    prototypes: 65536,
    hiddenWidth: 2048,
    bottleneckWidth: 256,
    batchNorm: false,
    normLastLayer: false,
  },
};
const NO_HEAD = { ...SMALL.head, prototypes: 0, hiddenWidth: 0, bottleneckWidth: 0 };
const SIZE: StepSize = {
  images: 4,
  localCrops: 10,
  localSize: 96,
  samples: { global: 16, local: 9 },
  valid: { global: 80, local: 400 },
};

test("one image through a plain ViT-S/16 is the 4.6 billion multiplications of the literature", () => {
  const model = { ...SMALL, classTokens: 1 as const, includePatch: false, head: NO_HEAD };
  const globals = { ...SIZE, images: 1, localCrops: 0, valid: { global: 0, local: 0 } };
  // Student forward and backward and teacher forward: four passes over two views; the last block only for one token.
  const view = stepOperations(model, globals) / 8;
  expect(view / 2).toBeGreaterThan(4.2e9);
  expect(view / 2).toBeLessThan(4.61e9);
});

test("a published step is the 0.55 TFLOP that were worked out for it", () => {
  expect(stepOperations(SMALL, SIZE) / 1e12).toBeCloseTo(0.54, 1);
});

test("operations grow linearly with the batch and at most linearly with the prototypes", () => {
  const double = { images: 8, valid: { global: 160, local: 800 } };
  const once = stepOperations(SMALL, SIZE);
  expect(stepOperations(SMALL, { ...SIZE, ...double })).toBeCloseTo(2 * once, -3);
  const more = { ...SMALL, head: { ...SMALL.head, prototypes: 2 * 65536 } };
  const growth = stepOperations(more, SIZE) / once;
  expect(growth).toBeGreaterThan(1);
  expect(growth).toBeLessThan(2);
});

test("the size of a batch is read off its recipes", () => {
  const crops = { ...PUBLISHED_CROPS, localCrops: 3 };
  const recipes = [1, 2].map((seed) =>
    multiCropRecipe({ width: 500, height: 375 }, crops, randomStream(seed)),
  );
  const size = stepSize(recipes, 96);
  expect(size).toMatchObject({ images: 2, localCrops: 3, samples: { global: 16, local: 9 } });
  expect(size.valid.global).toBeGreaterThan(0);
  expect(size.valid.global).toBeLessThanOrEqual(2 * 2 * 16);
  expect(size.valid.local).toBeLessThanOrEqual(2 * 6 * 9);
  const bare = recipes.map((recipe) => ({ ...recipe, maps: null }));
  expect(stepSize(bare, 96)).toMatchObject({
    samples: { global: 0, local: 0 },
    valid: { global: 0, local: 0 },
  });
});
