import { describe, expect, test } from "vitest";
import { ArgumentError } from "../../ts/errors.js";
import { openEngine, renderEvaluationViews, renderViews } from "../../ts/native/engine.js";
import type { MultiCropBatch } from "../../ts/native/types.js";
import { AT, OPTIONS, SHAPE, smallMaps } from "./small-engine.js";
import { cut, HEIGHT, plainView, smallImages, smallRecipes, WIDTH } from "./small-views.js";

/** The batch that the renderer must make of the small images and recipes. */
function expectedBatch(): MultiCropBatch {
  const [images, recipes] = [smallImages(), smallRecipes()];
  const views = (pick: (recipe: (typeof recipes)[number]) => ReturnType<typeof plainView>) =>
    images.map((image, index) => cut(image, pick(recipes[index] as (typeof recipes)[number])));
  const joined = (parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts));
  return {
    ...SHAPE,
    globalViews: joined([...views(({ globals }) => globals[0]), ...views(({ globals }) => globals[1])]),
    localViews: joined(views(({ locals }) => locals[0] as ReturnType<typeof plainView>)),
    maps: smallMaps(),
  };
}

test("rendered views and their maps are the batch [2, B, 3, G, G], [L, B, 3, S, S] that one would write down", async () => {
  await using first = await openEngine(OPTIONS);
  await using second = await openEngine(OPTIONS);
  using views = await renderViews(SHAPE, smallImages(), smallRecipes());
  for (const _ of [1, 2]) {
    const { seconds: _rendered, ...rendered } = await first.stepUdi(views, AT);
    const { seconds: _written, ...written } = await second.stepUdi(expectedBatch(), AT);
    expect(rendered).toEqual(written);
  }
});

test("a batch of views knows its shape and size", async () => {
  using views = await renderViews(SHAPE, smallImages(), smallRecipes());
  expect(views.shape).toEqual(SHAPE);
  const { globalViews, localViews, maps } = expectedBatch();
  const values = [
    maps?.globalSource,
    ...Object.values(maps?.globalTarget ?? {}),
    ...Object.values(maps?.localTarget ?? {}),
  ];
  const mapBytes = values.reduce((sum, { byteLength }) => sum + byteLength, 0);
  expect(views.bytes).toBe(globalViews.byteLength + localViews.byteLength + mapBytes);
});

test("batches of views that nobody disposes of are collected, since V8 knows of their memory", async () => {
  const size = 512;
  const crop = { top: 0, left: 0, height: HEIGHT, width: WIDTH };
  const views = [plainView(0, 0, size), plainView(0, 0, size)].map((view) => ({ ...view, crop }));
  const recipes = smallRecipes().map(() => ({ globals: views, locals: [], maps: null }));
  const shape = { images: 2, globalSize: size, localCrops: 0, localSize: 0 };
  const before = process.memoryUsage().rss;
  let made = 0;
  while (made < 500e6) made += (await renderViews(shape, smallImages(), recipes as never)).bytes;
  expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
});

test("images may be written to or handed on as soon as rendering has begun", async () => {
  const pending = [smallImages(), smallImages()].map((images) => {
    const views = renderViews(SHAPE, images, smallRecipes());
    for (const { pixels } of images) {
      pixels.fill(0);
      structuredClone(pixels, { transfer: [pixels.buffer as ArrayBuffer] });
    }
    return views;
  });
  const [views, twin] = await Promise.all(pending);
  await using first = await openEngine(OPTIONS);
  await using second = await openEngine(OPTIONS);
  const { loss } = await first.stepUdi(expectedBatch(), AT);
  expect(views && (await second.stepUdi(views, AT)).loss).toBe(loss);
  twin?.[Symbol.dispose]();
});

test("every operation of a recipe reaches the renderer", async () => {
  const loss = async (change: object) => {
    const [first, second] = smallRecipes();
    if (first === undefined || second === undefined) throw new Error("two recipes");
    const changed = { ...first, globals: [{ ...first.globals[0], ...change }, first.globals[1]] as const };
    await using engine = await openEngine(OPTIONS);
    using views = await renderViews(SHAPE, smallImages(), [changed, second]);
    return (await engine.stepUdi(views, AT)).loss;
  };
  const changes = [
    {},
    { flipped: true },
    { grayscale: true },
    { blurRadius: 1.5 },
    { solarizeThreshold: 128 },
    { jitter: [{ kind: "brightness", factor: 0.5 }] },
    { jitter: [{ kind: "contrast", factor: 0.5 }] },
    { jitter: [{ kind: "saturation", factor: 0.5 }] },
    { jitter: [{ kind: "hue", shift: 0.25 }] },
    { crop: { top: 1, left: 1, height: 10, width: 10 } },
  ];
  const losses = await Promise.all(changes.map(loss));
  expect(new Set(losses).size).toBe(changes.length);
});

test("views without local crops and without maps are rendered too", async () => {
  const recipes = smallRecipes().map(({ globals }) => ({ globals, locals: [], maps: null }));
  const shape = { ...SHAPE, localCrops: 0, localSize: 0 };
  using views = await renderViews(shape, smallImages(), recipes);
  expect(views.bytes).toBe(2 * 2 * 3 * 16 * 16);
  const model = { ...OPTIONS.model, includePatch: false, classTokens: 1 } as const;
  await using engine = await openEngine({ ...OPTIONS, model });
  expect(Object.keys((await engine.stepUdi(views, AT)).levels)).toEqual(["cls"]);
});

describe("a batch of views that was disposed of", () => {
  test("is refused by name", async () => {
    await using engine = await openEngine(OPTIONS);
    const views = await renderViews(SHAPE, smallImages(), smallRecipes());
    views[Symbol.dispose]();
    views[Symbol.dispose]();
    const error = await engine.stepUdi(views, AT).catch((reason) => reason);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toBe("batch: expected views in memory, received a ViewBatch that was disposed of");
  });

  test("is kept by the step that is under way", async () => {
    await using engine = await openEngine(OPTIONS);
    const views = await renderViews(SHAPE, smallImages(), smallRecipes());
    const steps = [engine.stepUdi(views, AT), engine.stepUdi(views, AT)];
    views[Symbol.dispose]();
    expect((await Promise.all(steps)).map(({ step }) => step)).toEqual([1, 2]);
  });
});

describe("a wrong recipe is refused by name", () => {
  const [recipe, other] = smallRecipes();
  const view = plainView(0, 0, SHAPE.globalSize);
  const withView = (change: object) => [{ ...recipe, globals: [{ ...view, ...change }, view] }, other];
  test.each([
    [[recipe], "recipes: expected an array of length 2, received an array of length 1"],
    [[recipe, 5], "recipes[1]: expected an object, received 5"],
    [withView({ size: 12 }), "recipes[0].globals[0].size: expected 16, received 12"],
    [
      withView({ crop: { ...view.crop, top: 3 } }),
      /^image 0, global view 0: expected a non-empty crop inside an image of 21x18, received top 3/,
    ],
    [
      withView({ crop: { ...view.crop, top: -1 } }),
      /^recipes\[0\]\.globals\[0\]\.crop\.top: expected .*, received -1/,
    ],
    [
      withView({ blurRadius: 1e9 }),
      /^image 0, global view 0: expected blur radius from 0 to 1000, received 1000000000/,
    ],
    [
      withView({ jitter: [{ kind: "hue", factor: 0.1 }] }),
      "recipes[0].globals[0].jitter[0].shift: expected a finite number, received nothing",
    ],
    [
      withView({ jitter: [{ kind: "sepia", factor: 0.1 }] }),
      /jitter\[0\]\.kind: expected brightness, .*, received "sepia"/,
    ],
    [
      withView({ solarizeThreshold: 256 }),
      /solarizeThreshold: expected a whole number from 0 to 255, received 256/,
    ],
    [[recipe, { ...other, maps: null }], "recipes[1].maps: expected an object, received null"],
    [
      [{ ...recipe, locals: [] }, other],
      "recipes[0].locals: expected an array of length 1, received an array of length 0",
    ],
  ])("recipe %#", async (recipes, message) => {
    const error = await renderViews(SHAPE, smallImages(), recipes as never).catch((reason) => reason);
    expect(error).toBeInstanceOf(ArgumentError);
    expect(error.message).toMatch(message);
  });

  test("an image", async () => {
    const [image, second] = smallImages();
    const short = { ...image, pixels: image?.pixels.subarray(1) };
    await expect(renderViews(SHAPE, [short as never, second as never], smallRecipes())).rejects.toThrow(
      `images[0].pixels: expected ${WIDTH * HEIGHT * 3} values of shape [18, 21, 3], received Uint8Array of length ${WIDTH * HEIGHT * 3 - 1}`,
    );
  });
});

describe("evaluation views", () => {
  test("of the image's own size are its pixels, planar, image by image", async () => {
    const images = smallImages(3).map(({ pixels }) => ({
      pixels: pixels.slice(0, 3 * 16 * 16),
      width: 16,
      height: 16,
    }));
    const views = await renderEvaluationViews(images, { resizeTo: 16, crop: 16 });
    expect(views).toBeInstanceOf(Uint8Array);
    const planar = images.map((image) => cut(image, plainView(0, 0, 16)));
    expect(Buffer.from(views).equals(Buffer.concat(planar))).toBe(true);
  });

  test("of no images are none", async () => {
    expect(await renderEvaluationViews([], { resizeTo: 16, crop: 16 })).toHaveLength(0);
  });

  test.each([
    [{ resizeTo: 0, crop: 16 }, /size\.resizeTo: expected .*, received 0/],
    [{ resizeTo: 16, crop: 2 ** 30 }, /expected centre crop from 1 to 16384|memory/],
    [{ resizeTo: 2 ** 30, crop: 8 }, /expected resized side from 1 to 16384/],
    [undefined, "size: expected an object, received nothing"],
  ])("of a wrong size are refused: %#", async (size, message) => {
    await expect(renderEvaluationViews(smallImages(), size as never)).rejects.toThrow(message);
  });
});
