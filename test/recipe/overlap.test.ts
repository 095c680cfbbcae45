import fc from "fast-check";
import { expect, test } from "vitest";
import { cropCoordinates, flipCoordinates } from "../../ts/recipe/coordinates.js";
import { moveToOverlap } from "../../ts/recipe/overlap.js";
import { randomResizedCrop } from "../../ts/recipe/random-resized-crop.js";
import type { PixelBox } from "../../ts/recipe/types.js";
import { anyCoordinates, anyImage, anyRange, anyStream } from "./arbitrary.js";

const image = { width: 100, height: 100 };

/** Rows that two boxes share. */
function sharedRows(one: PixelBox, other: PixelBox): number {
  return Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top);
}

test("a moved crop keeps its size and never leaves its image", () => {
  fc.assert(
    fc.property(anyImage, anyRange, anyCoordinates, anyStream, (size, range, reference, random) => {
      const crop = randomResizedCrop(size, range, random);
      const moved = moveToOverlap(crop, reference, size);
      expect([moved.height, moved.width]).toEqual([crop.height, crop.width]);
      expect(Math.min(moved.top, moved.left)).toBeGreaterThanOrEqual(0);
      expect(moved.top + moved.height).toBeLessThanOrEqual(size.height);
      expect(moved.left + moved.width).toBeLessThanOrEqual(size.width);
    }),
    { numRuns: 1000 },
  );
});

test("a moved crop shares at least half of the rows of the shorter of the two, but for rounding", () => {
  fc.assert(
    fc.property(anyImage, anyRange, anyStream, (size, range, random) => {
      const reference = randomResizedCrop(size, range, random);
      const crop = randomResizedCrop(size, range, random);
      const moved = moveToOverlap(crop, cropCoordinates(reference, size), size);
      const shorter = Math.min(moved.height, reference.height);
      expect(sharedRows(moved, reference)).toBeGreaterThanOrEqual(shorter / 2 - 1);
    }),
    { numRuns: 1000 },
  );
});

test("a crop that overlaps its reference well stays where it is", () => {
  const crop = { top: 10, left: 10, height: 40, width: 40 };
  const reference = cropCoordinates({ top: 20, left: 20, height: 40, width: 40 }, image);
  expect(moveToOverlap(crop, reference, image)).toEqual(crop);
});

test("a crop above its reference is moved down past the gap and half of its own height", () => {
  const crop = { top: 0, left: 40, height: 10, width: 10 };
  const reference = cropCoordinates({ top: 60, left: 40, height: 31, width: 10 }, image);
  // The two span rows 0 to 90: 90 - 10 - 30 rows between them, and 5 rows more.
  expect(moveToOverlap(crop, reference, image).top).toBe(55);
});

test("a flipped reference pulls as the same one unflipped", () => {
  fc.assert(
    fc.property(anyImage, anyRange, anyCoordinates, anyStream, (size, range, reference, random) => {
      const crop = randomResizedCrop(size, range, random);
      const flipped = flipCoordinates(reference);
      expect(moveToOverlap(crop, flipped, size)).toEqual(moveToOverlap(crop, reference, size));
    }),
  );
});

test("the published quirk is kept: the first row stands in for the first column", () => {
  const reference = cropCoordinates({ top: 0, left: 81, height: 10, width: 10 }, image);
  // In row 0 the width seems to reach back to column 0, so that a crop that overlaps well is moved to the edge.
  expect(moveToOverlap({ top: 0, left: 80, height: 10, width: 10 }, reference, image).left).toBe(90);
  // Far down it is measured as it should be.
  expect(moveToOverlap({ top: 85, left: 80, height: 10, width: 10 }, reference, image).left).toBe(80);
});
