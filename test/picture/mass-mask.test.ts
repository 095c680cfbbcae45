import fc from "fast-check";
import { expect, test } from "vitest";
import { massMask } from "../../ts/picture/mass-mask.js";

const attention = fc.array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 1, maxLength: 60 });
const share = fc.double({ min: 0.05, max: 0.95, noNaN: true });

test("the mask holds at least the share, its values are the largest, and without the least of them it holds less", () => {
  fc.assert(
    fc.property(attention, share, (numbers, mass) => {
      const values = Float32Array.from(numbers);
      const mask = massMask({ rows: 1, columns: values.length, values }, mass).values;
      const kept = [...values.filter((_, at) => mask[at] === 1)];
      const left = [...values.filter((_, at) => mask[at] === 0)];
      const total = values.reduce((sum, value) => sum + value, 0);
      const held = kept.reduce((sum, value) => sum + value, 0) / total;
      const least = Math.min(...kept);
      expect(held).toBeGreaterThan(mass - 1e-6);
      expect(held - least / total).toBeLessThan(mass + 1e-6);
      for (const value of left) expect(value).toBeLessThanOrEqual(least);
    }),
  );
});

test.each([0, 1, -0.1, Number.NaN])("a share of %s is refused", (mass) => {
  const map = { rows: 1, columns: 2, values: Float32Array.of(1, 2) };
  expect(() => massMask(map, mass)).toThrow(/threshold: expected a share between 0 and 1/);
});
