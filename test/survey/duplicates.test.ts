import fc from "fast-check";
import { expect, test } from "vitest";
import { duplicateGroups } from "../../ts/survey/duplicates.js";

const digests = fc.array(fc.bigInt({ min: 0n, max: 9n }), { maxLength: 40 });

test("two images are in one group exactly where their digests are equal and both are known", () => {
  fc.assert(
    fc.property(digests, fc.integer({ min: 0, max: 40 }), (values, unknown) => {
      const groups = duplicateGroups(BigUint64Array.from(values), (index) => index !== unknown);
      const groupOf = (index: number) => groups.findIndex((group) => group.includes(index));
      values.forEach((one, a) => {
        const twins = values.filter((other, b) => other === one && b !== a && b !== unknown);
        expect(groupOf(a) >= 0).toBe(a !== unknown && twins.length > 0);
        values.forEach((other, b) => {
          if (groupOf(a) >= 0 && groupOf(b) >= 0) expect(groupOf(a) === groupOf(b)).toBe(one === other);
        });
      });
    }),
  );
});

test("groups and their images are in the order of the source", () => {
  const groups = duplicateGroups(BigUint64Array.from([5n, 1n, 5n, 1n, 2n, 5n]), () => true);
  expect(groups).toEqual([
    [0, 2, 5],
    [1, 3],
  ]);
});
