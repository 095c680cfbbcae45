import { afterEach, describe, expect, test } from "vitest";
import { ArgumentError } from "../../ts/errors.js";
import {
  nativeImage,
  openEngine,
  openViewBatch,
  renderViews,
  setViewThreads,
} from "../../ts/native/engine.js";
import { randomStream } from "../../ts/random.js";
import { multiCropRecipe } from "../../ts/recipe/multi-crop.js";
import { PHOTOMETRIC_DEFAULTS } from "../../ts/recipe/photometric.js";
import type { ImageRecipe } from "../../ts/recipe/types.js";
import { AT, noise, OPTIONS, SHAPE } from "./small-engine.js";
import { plainView, smallImages, smallRecipes } from "./small-views.js";

const THREADS = 3;

afterEach(() => setViewThreads(THREADS));

/** Images of several sizes with the published recipe, smaller. */
const crops = {
  globalSize: 48,
  globalScale: [0.25, 1],
  localSize: 32,
  localScale: [0.05, 0.25],
  localCrops: 4,
  patchSize: 16,
  globalWindow: 3,
  localWindow: 2,
  flipProbability: 0.5,
  includePatch: true,
  photometric: PHOTOMETRIC_DEFAULTS,
} as const;

const shape = { images: 12, globalSize: 48, localCrops: 4, localSize: 32 };

const samples = Array.from({ length: shape.images }, (_, index) => {
  const [width, height] = [60 + 7 * index, 90 - 4 * index];
  const image = { pixels: noise(3 * width * height, index), width, height };
  return { image, recipe: multiCropRecipe(image, crops, randomStream(5, "recipe", index)) };
});

async function renderedOn(threads: number): Promise<Buffer> {
  setViewThreads(threads);
  const images = samples.map(({ image }) => image);
  const recipes = samples.map(({ recipe }) => recipe);
  using views = await renderViews(shape, images, recipes);
  const { globalViews, localViews } = views.pixels();
  return Buffer.concat([globalViews, localViews]);
}

test("views are the same bit for bit on any number of threads", async () => {
  const expected = await renderedOn(1);
  for (const threads of [2, 3, 8]) expect((await renderedOn(threads)).equals(expected)).toBe(true);
});

test("images may be filled in in any order, while others are rendered", async () => {
  const expected = await renderedOn(THREADS);
  using filling = openViewBatch(shape);
  const backwards = [...samples.entries()].reverse();
  await Promise.all(backwards.map(([place, { image, recipe }]) => filling.fill(place, image, recipe)));
  using views = await filling.finish();
  const { globalViews, localViews } = views.pixels();
  expect(Buffer.concat([globalViews, localViews]).equals(expected)).toBe(true);
  expect(views.seconds.resize).toBeGreaterThan(0);
  expect(views.seconds.photometric).toBeGreaterThan(0);
});

test("the number of threads can change while views are rendered", async () => {
  const expected = await renderedOn(1);
  const renderings = [4, 1, 2].map((threads) => renderedOn(threads));
  for (const views of await Promise.all(renderings)) expect(views.equals(expected)).toBe(true);
});

test.each([0, 1.5, 1e9, "2"])("%s threads are refused", (count) => {
  expect(() => setViewThreads(count as number)).toThrow(/^count: expected a whole number from 1 to 1024/);
});

describe("a batch in the making", () => {
  const [first, second] = smallImages();
  const [recipe, other] = smallRecipes();

  async function halfFilled() {
    const filling = openViewBatch(SHAPE);
    await filling.fill(1, second as never, other as ImageRecipe);
    return filling;
  }

  test("is not finished before every place is filled", async () => {
    using filling = await halfFilled();
    await expect(filling.finish()).rejects.toThrow(
      new ArgumentError("batch: expected views of 2 images, received 1"),
    );
    await filling.fill(0, first as never, recipe as ImageRecipe);
    using views = await filling.finish();
    expect(views.shape).toEqual(SHAPE);
  });

  test("takes another image in the place of one that could not be rendered", async () => {
    using filling = await halfFilled();
    const outside = { ...recipe, globals: [plainView(3, 0, 16), plainView(0, 0, 16)] };
    await expect(filling.fill(0, first as never, outside as never)).rejects.toThrow(
      /^image 0, global view 0: expected a non-empty crop inside an image of 21x18, received top 3/,
    );
    await expect(filling.finish()).rejects.toThrow(ArgumentError);
    await filling.fill(0, first as never, recipe as ImageRecipe);
    (await filling.finish())[Symbol.dispose]();
  });

  test("has the places of its images only", async () => {
    using filling = openViewBatch(SHAPE);
    for (const place of [-1, 2, 0.5]) {
      await expect(filling.fill(place, first as never, recipe as ImageRecipe)).rejects.toThrow(
        /^place: expected a whole number from 0 to 1/,
      );
    }
  });

  test("is done when it is finished or disposed of, even with views under way", async () => {
    const filling = await halfFilled();
    using image = nativeImage(first?.pixels as Uint8Array, 21, 18);
    const pending = filling.fill(0, image, recipe as ImageRecipe);
    filling[Symbol.dispose]();
    await pending;
    const done = "batch: expected one that is being rendered, received one that is done";
    await expect(filling.finish()).rejects.toThrow(done);
    await expect(filling.fill(0, image, recipe as ImageRecipe)).rejects.toThrow(done);
  });

  test("of more views than memory can hold is refused", () => {
    const huge = { ...SHAPE, images: 2 ** 31 - 1, globalSize: 2 ** 31 - 1 };
    expect(() => openViewBatch(huge)).toThrow(/memory/);
  });
});

describe("with the executor of the device", () => {
  test("views are made when the step begins, and the step is that of rendered views", async () => {
    const [images, recipes] = [smallImages(), smallRecipes()];
    const losses: number[] = [];
    for (const executor of ["device", "cpu"] as const) {
      using filling = openViewBatch(SHAPE, executor);
      for (const [place, image] of images.entries()) {
        await filling.fill(place, image, recipes[place] as ImageRecipe);
      }
      using views = await filling.finish();
      await using fresh = await openEngine(OPTIONS);
      losses.push((await fresh.stepUdi(views, AT)).loss);
    }
    expect(losses[0]).toBe(losses[1]);
  });

  test("there are no pixels of views to be looked at", async () => {
    using filling = openViewBatch(SHAPE, "device");
    const recipes = smallRecipes();
    for (const [place, image] of smallImages().entries()) {
      await filling.fill(place, image, recipes[place] as ImageRecipe);
    }
    using views = await filling.finish();
    expect(() => views.pixels()).toThrow("expected rendered views, received recipes for a device");
  });

  test("a recipe that leaves its image is refused when it is given", async () => {
    using filling = openViewBatch(SHAPE, "device");
    const [recipe] = smallRecipes();
    const image = { pixels: new Uint8Array(3), width: 1, height: 1 };
    await expect(filling.fill(0, image, recipe as ImageRecipe)).rejects.toThrow(
      "image 0: global view 0: expected a non-empty crop inside an image of 1x1",
    );
  });
});

test("an executor that does not exist is refused", () => {
  expect(() => openViewBatch(SHAPE, "gpu" as never)).toThrow(ArgumentError);
});
