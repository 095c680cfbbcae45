/** What properties of recipes are checked on: streams, image sizes, coordinates of crops, sampling grids. */
import fc from "fast-check";
import { type RandomStream, randomStream } from "../../ts/random.js";
import type { ImageSize } from "../../ts/recipe/coordinates.js";
import { flipCoordinates } from "../../ts/recipe/coordinates.js";
import type { CropRange } from "../../ts/recipe/random-resized-crop.js";
import type { SamplingGrid } from "../../ts/recipe/stratified-mask.js";
import type { CropCoordinates } from "../../ts/recipe/types.js";

export const anyStream: fc.Arbitrary<RandomStream> = fc.nat().map((seed) => randomStream(seed, "property"));

const side = fc.integer({ min: 1, max: 1200 });
export const anyImage: fc.Arbitrary<ImageSize> = fc.record({ width: side, height: side });

/** Two numbers, the smaller first. */
function interval(min: number, max: number): fc.Arbitrary<readonly [number, number]> {
  const bound = fc.double({ min, max, noNaN: true });
  return fc.tuple(bound, bound).map(([one, other]) => [Math.min(one, other), Math.max(one, other)]);
}

export const anyRange: fc.Arbitrary<CropRange> = fc.record({
  scale: interval(0.01, 1),
  aspectRatio: interval(0.3, 3),
});

/** Unflipped boxes of at least a thousandth of the image's sides. */
export const anyBox: fc.Arbitrary<CropCoordinates> = fc
  .tuple(interval(0, 1), interval(0, 1))
  .filter(([rows, columns]) => rows[1] - rows[0] > 1e-3 && columns[1] - columns[0] > 1e-3)
  .map(([rows, columns]) => [rows[0], columns[0], rows[1], columns[1]]);

export const anyCoordinates: fc.Arbitrary<CropCoordinates> = fc
  .tuple(anyBox, fc.boolean())
  .map(([box, flipped]) => (flipped ? flipCoordinates(box) : box));

export const anyGrid: fc.Arbitrary<SamplingGrid> = fc
  .integer({ min: 1, max: 24 })
  .chain((tokens) => fc.record({ side: fc.constant(tokens), window: fc.integer({ min: 1, max: tokens }) }));
