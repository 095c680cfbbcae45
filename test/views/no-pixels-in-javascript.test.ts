/** Between file and batch, pixels never pass through JavaScript: what would hold up the event loop does not happen there. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { type NativeImage, openViewBatch } from "../../ts/native/engine.js";
import { randomStream } from "../../ts/random.js";
import { multiCropRecipe } from "../../ts/recipe/multi-crop.js";
import { PHOTOMETRIC_DEFAULTS } from "../../ts/recipe/photometric.js";
import { decodeBytes } from "../../ts/views/decode.js";

const IMAGES = 64;
const [WIDTH, HEIGHT] = [500, 375];
const shape = { images: IMAGES, globalSize: 224, localCrops: 10, localSize: 96 };
const crops = {
  ...shape,
  globalScale: [0.25, 1],
  localScale: [0.05, 0.25],
  patchSize: 16,
  globalWindow: 3,
  localWindow: 2,
  flipProbability: 0.5,
  includePatch: true,
  photometric: PHOTOMETRIC_DEFAULTS,
} as const;

async function photograph(): Promise<Buffer> {
  const file = readFileSync(join(import.meta.dirname, "photographs/landscape.jpg"));
  return sharp(file).resize(WIDTH, HEIGHT, { fit: "fill" }).jpeg({ quality: 90 }).toBuffer();
}

/** Bytes in arrays of JavaScript. */
function arrayBytes(): number {
  return process.memoryUsage().arrayBuffers;
}

test("a batch of 64 photographs is decoded and rendered without an array of pixels", async () => {
  const file = await photograph();
  const before = arrayBytes();
  const images = await Promise.all(
    Array.from({ length: IMAGES }, () => decodeBytes(file, "landscape.jpg", { maxPixels: WIDTH * HEIGHT })),
  );
  using filling = openViewBatch(shape);
  await Promise.all(images.map((image, place) => filling.fill(place, unreadable(image), recipe(place))));
  using views = await filling.finish();
  const made = IMAGES * 3 * (2 * 224 ** 2 + 10 * 96 ** 2);
  expect(views.bytes).toBeGreaterThan(made);
  expect(images.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(IMAGES * 3 * WIDTH * HEIGHT);
  expect(arrayBytes() - before).toBeLessThan(made / 10);
  for (const image of images) image[Symbol.dispose]();
});

function recipe(place: number) {
  return multiCropRecipe({ width: WIDTH, height: HEIGHT }, crops, randomStream(3, "recipe", place));
}

/** The same image, which fails whoever asks for its pixels. */
function unreadable(image: NativeImage): NativeImage {
  return Object.defineProperty(image, "pixels", {
    get() {
      throw new Error("somebody read the pixels");
    },
  });
}
