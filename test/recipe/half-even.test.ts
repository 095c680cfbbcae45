import fc from "fast-check";
import { expect, test } from "vitest";
import { roundHalfEven } from "../../ts/recipe/half-even.js";

test("a half goes to the even neighbour", () => {
  const halves = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 3.5];
  expect(halves.map((half) => roundHalfEven(half) + 0)).toEqual([-2, -2, 0, 0, 2, 2, 4]);
});

test("everything else goes to the nearest whole number", () => {
  fc.assert(
    fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), (value) => {
      const rounded = roundHalfEven(value);
      expect(Number.isInteger(rounded)).toBe(true);
      expect(Math.abs(rounded - value)).toBeLessThanOrEqual(0.5);
    }),
  );
});
