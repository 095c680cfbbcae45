import fc from "fast-check";
import { expect, test } from "vitest";
import { type Sample, Thinning } from "../../ts/report/thinning.js";

const MOST = 16;

function thinned(samples: readonly Sample[]) {
  const thinning = new Thinning(MOST);
  for (const sample of samples) thinning.add(sample);
  return thinning.result();
}

function samplesOf(values: readonly number[]): Sample[] {
  return values.map((loss, index) => ({ step: index + 1, values: { loss } }));
}

const long = fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 700 });

test("a short series stays as it is", () => {
  const { steps, series, stepsPerPoint } = thinned(samplesOf([3, 1, 2]));
  expect({ steps, stepsPerPoint }).toEqual({ steps: [1, 2, 3], stepsPerPoint: 1 });
  expect(series.loss).toEqual({ mean: [3, 1, 2], min: [3, 1, 2], max: [3, 1, 2] });
});

test("no series has more points than may be, or less than half of them without need", () => {
  const property = fc.property(long, (values) => {
    const { steps } = thinned(samplesOf(values));
    expect(steps.length).toBeLessThanOrEqual(MOST);
    expect(steps.length).toBeGreaterThanOrEqual(Math.min(values.length, MOST / 2));
    expect(steps.at(-1)).toBe(values.length);
  });
  fc.assert(property);
});

test("a point holds smallest, largest and mean value of exactly its steps", () => {
  const property = fc.property(long, (values) => {
    const { steps, series } = thinned(samplesOf(values));
    steps.forEach((step, place) => {
      const within = values.slice(steps[place - 1] ?? 0, step);
      expect(series.loss?.min[place]).toBe(Math.min(...within));
      expect(series.loss?.max[place]).toBe(Math.max(...within));
      const mean = within.reduce((sum, value) => sum + value, 0) / within.length;
      expect(series.loss?.mean[place]).toBeCloseTo(mean, 5);
    });
  });
  fc.assert(property);
});

test("a value that is missing or not finite makes no point of its series, and leaves the others alone", () => {
  const { series } = thinned([
    { step: 1, values: { loss: 1, norm: Number.POSITIVE_INFINITY } },
    { step: 2, values: { loss: 2, norm: 5 } },
    { step: 3, values: { norm: null as unknown as number } },
  ]);
  expect(series.loss?.mean).toEqual([1, 2, null]);
  expect(series.norm?.mean).toEqual([null, 5, null]);
});
