import fc from "fast-check";
import { expect, test } from "vitest";
import { fitPatchColours, paintPatches } from "../../ts/picture/patch-colours.js";
import { fitComponents, scores } from "../../ts/picture/principal-components.js";
import { randomStream } from "../../ts/random.js";

const WIDTH = 6;

/** Two groups far apart along the first axis; within the first of them vectors differ along the next three. */
function grouped(count: number) {
  const random = randomStream(7);
  const values = Float32Array.from({ length: count * WIDTH }, (_, at) => {
    const [row, axis] = [Math.floor(at / WIDTH), at % WIDTH];
    if (axis === 0) return row % 2 === 0 ? 10 : -10;
    return row % 2 === 0 ? (random.uniform(0, 1) - 0.5) * ([0, 4, 2, 1][axis] ?? 0.01) : 0;
  });
  return { width: WIDTH, values };
}

test("components are unit vectors, orthogonal, in the order of their variance, wherever the vectors lie", async () => {
  await fc.assert(
    fc.asyncProperty(fc.double({ min: -50, max: 50, noNaN: true }), async (offset) => {
      const { width, values } = grouped(200);
      const moved = values.map((value) => value + offset);
      const { components: found } = await fitComponents({ width, values: moved }, 3);
      for (const [a, first] of found.directions.entries()) {
        for (const [b, second] of found.directions.entries()) {
          const product = first.reduce((sum, value, at) => sum + value * (second[at] as number), 0);
          expect(product).toBeCloseTo(a === b ? 1 : 0, 8);
        }
      }
      const [one = 0, two = 0, three = 0] = found.explained;
      expect(one > two && two > three && one + two + three <= 1 + 1e-9).toBe(true);
      expect(Math.abs(found.directions[0]?.[0] as number)).toBeGreaterThan(0.99);
    }),
    { numRuns: 20 },
  );
});

test("scores are the coordinates along a component, about their mean", async () => {
  const vectors = { width: 2, values: Float32Array.of(0, 1, 4, 1, 8, 1) };
  const { components } = await fitComponents(vectors, 1);
  expect([...scores(vectors, components, 0)]).toEqual([-4, 0, 4]);
});

test("the scores of the vectors that components were found of are those of any vectors", async () => {
  const vectors = grouped(50);
  const found = await fitComponents(vectors, 3);
  for (const [component, own] of found.scores.entries()) {
    const others = scores(vectors, found.components, component);
    expect(own).toHaveLength(50);
    for (const [at, value] of own.entries()) expect(value).toBeCloseTo(others[at] as number, 4);
  }
});

test.each([
  ["first", 0],
  ["second", 1],
])("the group that is attended to more, the %s, is the foreground; the rest is dark", async (_, group) => {
  const vectors = grouped(200);
  const attention = Float32Array.from({ length: 200 }, (_, row) => (row % 2 === group ? 1.5 : 0.5));
  const fit = await fitPatchColours({ ...vectors, attention });
  const pixels = paintPatches(
    fit,
    { vectors, rows: 1, columns: 200 },
    { size: { height: 1, width: 200 }, how: "nearest", shown: "foreground" },
  );
  for (let row = 0; row < 200; row++) {
    const dark = pixels.subarray(3 * row, 3 * row + 3).every((value) => value === 16);
    expect(dark).toBe(row % 2 !== group);
  }
});

test("patches that are all alike are drawn, in one colour", async () => {
  const vectors = { width: WIDTH, values: new Float32Array(4 * WIDTH).fill(3) };
  const fit = await fitPatchColours({ ...vectors, attention: new Float32Array(4).fill(1) });
  const pixels = paintPatches(
    fit,
    { vectors, rows: 2, columns: 2 },
    { size: { height: 4, width: 4 }, how: "smooth", shown: "all" },
  );
  expect(new Set(pixels)).toEqual(new Set([40]));
  expect(fit.all.components.explained).toEqual([0, 0, 0]);
});
