import fc from "fast-check";
import { expect, test } from "vitest";
import { flipCoordinates, unflipCoordinates } from "../../ts/recipe/coordinates.js";
import { type SampleMap, sampleMap, type TokenCrop } from "../../ts/recipe/sample-map.js";
import { samplesOf, stratifiedMask } from "../../ts/recipe/stratified-mask.js";
import { anyCoordinates, anyGrid, anyStream } from "./arbitrary.js";

type Place = readonly [row: number, column: number];

/** Where a token lies in the image. */
function placeOf({ coordinates, side }: TokenCrop, token: number): Place {
  const [top, left, bottom, right] = coordinates;
  const share = (index: number) => (side > 1 ? index / (side - 1) : 0);
  return [
    top + share(Math.floor(token / side)) * (bottom - top),
    left + share(token % side) * (right - left),
  ];
}

/** How far a place lies inside a crop; negative outside. */
function depth({ coordinates }: TokenCrop, [row, column]: Place): number {
  const [top, left, bottom, right] = unflipCoordinates(coordinates);
  return Math.min(row - top, bottom - row, column - left, right - column);
}

/** The four neighbours of a row, with their weights. */
function rowOf({ target }: SampleMap, sample: number): { token: number; weight: number }[] {
  return [0, 1, 2, 3].map((neighbour) => ({
    token: target.tokens[4 * sample + neighbour] as number,
    weight: target.weights[4 * sample + neighbour] as number,
  }));
}

const anyPair = fc
  .record({
    from: anyCoordinates,
    to: anyCoordinates,
    grid: anyGrid,
    side: fc.integer({ min: 2, max: 24 }),
    random: anyStream,
  })
  .map(({ from, to, grid, side, random }) => ({
    source: { coordinates: from, side: grid.side },
    target: { coordinates: to, side },
    sampled: stratifiedMask(grid, random),
    samples: samplesOf(grid),
  }));

test("the weights of a valid row sum to 1 and rebuild the token's place in the image, flipped or not", () => {
  fc.assert(
    fc.property(anyPair, ({ source, target, sampled }) => {
      const map = sampleMap(source, target, sampled);
      map.source.forEach((token, sample) => {
        if (token === -1) return;
        const row = rowOf(map, sample);
        expect(row.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 6);
        const place = placeOf(source, token);
        for (const axis of [0, 1] as const) {
          const rebuilt = row.reduce(
            (sum, { token: at, weight }) => sum + weight * placeOf(target, at)[axis],
            0,
          );
          expect(rebuilt).toBeCloseTo(place[axis], 6);
        }
      });
    }),
    { numRuns: 1000 },
  );
});

test("the sampled tokens strictly inside the target come first, in order; the other rows are empty", () => {
  fc.assert(
    fc.property(anyPair, ({ source, target, sampled, samples }) => {
      const map = sampleMap(source, target, sampled);
      const inside = [...sampled].filter((token) => Math.abs(depth(target, placeOf(source, token))) > 1e-12);
      const valid = inside.filter((token) => depth(target, placeOf(source, token)) > 0);
      fc.pre(inside.length === sampled.length);
      expect([...map.source]).toEqual([...valid, ...new Array<number>(samples - valid.length).fill(-1)]);
      const empty = map.target.weights.subarray(4 * valid.length);
      expect(empty.every((weight) => weight === 0)).toBe(true);
    }),
    { numRuns: 1000 },
  );
});

test("target tokens and weights stay in their ranges", () => {
  fc.assert(
    fc.property(anyPair, ({ source, target, sampled }) => {
      const { tokens, weights } = sampleMap(source, target, sampled).target;
      expect(tokens.every((token) => token >= 0 && token < target.side ** 2)).toBe(true);
      expect(weights.every((weight) => weight >= 0 && weight <= 1)).toBe(true);
    }),
  );
});

test("flipping both crops samples the mirrored tokens with the same weights", () => {
  const source = { coordinates: [0.1, 0.2, 0.7, 0.8], side: 4 } as const;
  const target = { coordinates: [0, 0.1, 0.9, 1], side: 5 } as const;
  const flip = (crop: TokenCrop) => ({ ...crop, coordinates: flipCoordinates(crop.coordinates) });
  const plain = sampleMap(source, target, Int32Array.of(5));
  const mirrored = sampleMap(flip(source), flip(target), Int32Array.of(6));
  const mirror = (token: number) => token - (token % 5) + (4 - (token % 5));
  const weightOf = (map: SampleMap, token: number) =>
    rowOf(map, 0).find((row) => row.token === token)?.weight;
  for (const { token, weight } of rowOf(plain, 0)) {
    expect(weightOf(mirrored, mirror(token))).toBeCloseTo(weight, 6);
  }
});

test("a crop mapped onto itself gives its inner tokens back, and none of its border", () => {
  const crop = { coordinates: [0.25, 0.5, 0.75, 1], side: 3 } as const;
  const map = sampleMap(
    crop,
    crop,
    Int32Array.from({ length: 9 }, (_, token) => token),
  );
  expect([...map.source]).toEqual([4, -1, -1, -1, -1, -1, -1, -1, -1]);
  expect(rowOf(map, 0)[0]).toEqual({ token: 4, weight: 1 });
});

test("tokens on the edge of the image are never inside a crop that reaches this edge", () => {
  fc.assert(
    fc.property(anyCoordinates, fc.integer({ min: 2, max: 24 }), ([top, left], side) => {
      const source = { coordinates: [top, left, 1, 1] as const, side };
      const target = { coordinates: [0, 0, 1, 1] as const, side };
      const lastRow = Int32Array.from({ length: side }, (_, column) => side * (side - 1) + column);
      expect([...sampleMap(source, target, lastRow).source]).toEqual(new Array<number>(side).fill(-1));
    }),
  );
});

test("a place that rounding puts on the target's last token gives this token all its weight", () => {
  fc.assert(
    fc.property(anyCoordinates, fc.integer({ min: 2, max: 24 }), (coordinates, side) => {
      const last = unflipCoordinates(coordinates);
      const just = {
        coordinates: [last[0], last[1], last[2] - Number.EPSILON, last[3] - Number.EPSILON] as const,
        side,
      };
      const map = sampleMap(just, { coordinates: last, side }, Int32Array.of(side ** 2 - 1));
      expect(map.source[0]).toBe(side ** 2 - 1);
      expect(rowOf(map, 0)[3]?.token).toBe(side ** 2 - 1);
      expect(rowOf(map, 0)[3]?.weight).toBeCloseTo(1, 6);
    }),
  );
});

test("a target without extent holds no sample", () => {
  const source = { coordinates: [0, 0, 1, 1], side: 5 } as const;
  const line = { coordinates: [0.5, 0, 0.5, 1], side: 5 } as const;
  const map = sampleMap(source, line, Int32Array.of(6, 12, 18));
  expect([...map.source]).toEqual([-1, -1, -1]);
  expect([...map.target.weights]).toEqual(new Array<number>(12).fill(0));
});
