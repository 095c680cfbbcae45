import fc from "fast-check";
import { expect, test } from "vitest";
import { batchesPerEpoch, epochOrder } from "../../ts/dataset/epoch-order.js";

test("an epoch shows every sample once", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.nat(1000), (samples, seed, epoch) => {
      const order = epochOrder(samples, seed, epoch);
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: samples }, (_, index) => index));
    }),
  );
});

test("the order depends on seed and epoch and on nothing else", () => {
  expect(epochOrder(100, 1, 2)).toEqual(epochOrder(100, 1, 2));
  expect(epochOrder(100, 1, 2)).not.toEqual(epochOrder(100, 1, 3));
  expect(epochOrder(100, 1, 2)).not.toEqual(epochOrder(100, 2, 2));
});

test("the last batch is left out where it is not full", () => {
  expect([batchesPerEpoch(10, 4), batchesPerEpoch(12, 4), batchesPerEpoch(3, 4)]).toEqual([2, 3, 0]);
});
