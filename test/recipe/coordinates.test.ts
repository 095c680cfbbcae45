import fc from "fast-check";
import { expect, test } from "vitest";
import {
  cropCoordinates,
  flipCoordinates,
  unflipCoordinates,
  unionCoordinates,
} from "../../ts/recipe/coordinates.js";
import { randomResizedCrop } from "../../ts/recipe/random-resized-crop.js";
import { anyBox, anyCoordinates, anyImage, anyRange, anyStream } from "./arbitrary.js";

test("coordinates lie in the image and name the first and last pixel of the crop", () => {
  fc.assert(
    fc.property(anyImage, anyRange, anyStream, (image, range, random) => {
      const crop = randomResizedCrop(image, range, random);
      const [top, left, bottom, right] = cropCoordinates(crop, image);
      expect(Math.min(top, left)).toBeGreaterThanOrEqual(0);
      expect(Math.max(bottom, right)).toBeLessThanOrEqual(1);
      expect(top * (image.height - 1)).toBeCloseTo(crop.top, 6);
      expect((right - left) * (image.width - 1)).toBeCloseTo(crop.width - 1, 6);
      expect((bottom - top) * (image.height - 1)).toBeCloseTo(crop.height - 1, 6);
    }),
  );
});

test("an image one pixel wide has coordinates too", () => {
  const box = { top: 2, left: 0, height: 3, width: 1 };
  expect(cropCoordinates(box, { width: 1, height: 9 })).toEqual([0.25, 0, 0.5, 0]);
});

test("two flips cancel, and unflipping finds the box again", () => {
  fc.assert(
    fc.property(anyBox, (box) => {
      const [, left, , right] = flipCoordinates(box);
      expect(right).toBeLessThan(left);
      expect(flipCoordinates(flipCoordinates(box))).toEqual(box);
      expect(unflipCoordinates(flipCoordinates(box))).toEqual(box);
      expect(unflipCoordinates(box)).toEqual(box);
    }),
  );
});

test("the union of unflipped crops holds both, whichever comes first", () => {
  fc.assert(
    fc.property(anyBox, anyBox, (one, other) => {
      const [top, left, bottom, right] = unionCoordinates(one, other);
      for (const box of [one, other]) {
        expect(top <= box[0] && left <= box[1] && bottom >= box[2] && right >= box[3]).toBe(true);
      }
      expect(unionCoordinates(other, one)).toEqual([top, left, bottom, right]);
    }),
  );
});

test("the union of flipped crops is taken of the coordinates as they are stored", () => {
  expect(unionCoordinates([0.1, 0.6, 0.5, 0.2], [0.3, 0.9, 0.8, 0.4])).toEqual([0.1, 0.6, 0.8, 0.4]);
  fc.assert(
    fc.property(anyCoordinates, (crop) => {
      expect(unionCoordinates(crop, crop)).toEqual(crop);
    }),
  );
});
