import fc from "fast-check";
import { expect, test } from "vitest";
import { ArgumentError } from "../../ts/errors.js";
import { randomStream } from "../../ts/random.js";
import {
  type SamplingGrid,
  samplesOf,
  stratifiedMask,
  tokensPerSide,
} from "../../ts/recipe/stratified-mask.js";
import { expectEven, expectShare } from "../chance.js";
import { anyGrid, anyStream } from "./arbitrary.js";

function manyMasks(count: number, grid: SamplingGrid): Int32Array[] {
  return Array.from({ length: count }, (_, index) => stratifiedMask(grid, randomStream(19, index)));
}

/** Window of each token, its windows' block starting at this row and column; -1 outside the block. */
function windowsOf(mask: Int32Array, grid: SamplingGrid, corner: readonly [number, number]): number[] {
  const windows = Math.floor(grid.side / grid.window);
  return Array.from(mask, (token) => {
    const row = Math.floor((Math.floor(token / grid.side) - corner[0]) / grid.window);
    const column = Math.floor(((token % grid.side) - corner[1]) / grid.window);
    const inside = Math.min(row, column) >= 0 && Math.max(row, column) < windows;
    return inside ? row * windows + column : -1;
  });
}

test("every window has exactly one sampled token, the block of windows lying in a corner", () => {
  fc.assert(
    fc.property(anyGrid, anyStream, (grid, random) => {
      const mask = stratifiedMask(grid, random);
      const spare = grid.side % grid.window;
      const corners = [
        [0, 0],
        [0, spare],
        [spare, 0],
        [spare, spare],
      ] as const;
      const counts = corners.map((corner) => new Set(windowsOf(mask, grid, corner)));
      expect(mask).toHaveLength(samplesOf(grid));
      expect(counts.some((windows) => windows.size === samplesOf(grid) && !windows.has(-1))).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("tokens are given in row-major order, each once", () => {
  fc.assert(
    fc.property(anyGrid, anyStream, (grid, random) => {
      const mask = [...stratifiedMask(grid, random)];
      expect(mask.every((token, index) => index === 0 || token > (mask[index - 1] as number))).toBe(true);
    }),
  );
});

test("the defaults sample 16 tokens of a global crop and 9 of a local one", () => {
  expect(samplesOf({ side: 14, window: 3 })).toBe(16);
  expect(samplesOf({ side: 6, window: 2 })).toBe(9);
});

test("every token of a window is as likely as the others", () => {
  const masks = manyMasks(9000, { side: 3, window: 3 });
  expectEven(
    masks.map((mask) => mask[0] as number),
    9,
  );
});

test("the windows' block lies in each corner equally often", () => {
  // One window of 2 x 2 in a grid of 3 x 3: the centre may be drawn from all corners, a corner token from its own only.
  const tokens = manyMasks(16_000, { side: 3, window: 2 }).map((mask) => mask[0] as number);
  const cornerTokens = [0, 2, 6, 8];
  for (const token of cornerTokens) {
    expectShare(tokens.filter((drawn) => drawn === token).length, tokens.length, 1 / 16);
  }
  expectShare(tokens.filter((drawn) => drawn === 4).length, tokens.length, 1 / 4);
});

test("patches that do not fill a view, and windows that do not fit, are refused", () => {
  expect(tokensPerSide(224, 16)).toBe(14);
  expect(() => tokensPerSide(100, 16)).toThrow(/expected a multiple of the patch size 16, received 100/);
  const random = randomStream(1);
  expect(() => stratifiedMask({ side: 2, window: 3 }, random)).toThrow(/expected 1 to 2 tokens, received 3/);
  expect(() => stratifiedMask({ side: 6, window: 0 }, random)).toThrow(ArgumentError);
  expect(() => samplesOf({ side: 6, window: 1.5 })).toThrow(ArgumentError);
});
