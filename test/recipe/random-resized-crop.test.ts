import fc from "fast-check";
import { expect, test } from "vitest";
import { randomStream } from "../../ts/random.js";
import type { ImageSize } from "../../ts/recipe/coordinates.js";
import { ASPECT_RATIO, type CropRange, randomResizedCrop } from "../../ts/recipe/random-resized-crop.js";
import type { PixelBox } from "../../ts/recipe/types.js";
import { expectEven } from "../chance.js";
import { anyImage, anyRange, anyStream } from "./arbitrary.js";

const range: CropRange = { scale: [0.25, 1], aspectRatio: ASPECT_RATIO };
const image: ImageSize = { width: 2000, height: 2000 };

function manyCrops(count: number, of: CropRange): PixelBox[] {
  return Array.from({ length: count }, (_, index) => randomResizedCrop(image, of, randomStream(17, index)));
}

test("a crop never leaves its image", () => {
  fc.assert(
    fc.property(anyImage, anyRange, anyStream, (size, anyShape, random) => {
      const crop = randomResizedCrop(size, anyShape, random);
      expect(Object.values(crop).every(Number.isInteger)).toBe(true);
      expect(Math.min(crop.top, crop.left)).toBeGreaterThanOrEqual(0);
      expect(Math.min(crop.height, crop.width)).toBeGreaterThanOrEqual(1);
      expect(crop.top + crop.height).toBeLessThanOrEqual(size.height);
      expect(crop.left + crop.width).toBeLessThanOrEqual(size.width);
    }),
    { numRuns: 1000 },
  );
});

test("the area is spread evenly over the range of scales", () => {
  const crops = manyCrops(5000, { scale: [0.1, 0.5], aspectRatio: ASPECT_RATIO });
  const tenths = crops.map((crop) => Math.floor(((crop.height * crop.width) / 2000 ** 2 - 0.1) / 0.1));
  expectEven(
    tenths.map((tenth) => Math.max(0, Math.min(tenth, 3))),
    4,
  );
});

test("wide and tall crops are equally likely, and within the aspect ratios", () => {
  const crops = manyCrops(5000, { scale: [0.1, 0.5], aspectRatio: ASPECT_RATIO });
  expectEven(
    crops.map((crop) => Number(crop.width > crop.height)),
    2,
  );
  for (const crop of crops) expect(Math.abs(Math.log(crop.width / crop.height))).toBeLessThan(0.29);
});

test("a crop may lie at any edge of its image", () => {
  const crops = manyCrops(20_000, { scale: [0.99, 1], aspectRatio: [1, 1] });
  const loose = crops.filter((crop) => crop.height === 1999);
  expectEven(
    loose.map((crop) => 2 * crop.top + crop.left),
    4,
  );
});

test("an image too long for any attempt gives its central part, as wide or tall as is allowed", () => {
  const long = randomResizedCrop({ width: 1000, height: 30 }, range, randomStream(1));
  expect(long).toEqual({ top: 0, left: 480, height: 30, width: 40 });
  const tall = randomResizedCrop({ width: 30, height: 1000 }, range, randomStream(1));
  expect(tall).toEqual({ top: 480, left: 0, height: 40, width: 30 });
});

test("an image of one pixel is taken whole, whatever is asked for", () => {
  const one = { width: 1, height: 1 };
  const ranges: readonly CropRange[] = [
    { scale: [0.05, 0.2], aspectRatio: ASPECT_RATIO },
    { scale: [0.05, 0.2], aspectRatio: [0.2, 0.3] },
    { scale: [0.05, 0.2], aspectRatio: [3, 4] },
  ];
  for (const of of ranges) {
    expect(randomResizedCrop(one, of, randomStream(1))).toEqual({ top: 0, left: 0, height: 1, width: 1 });
  }
});
