/** Schedules of the reference: every listed value of every case. */
import { describe, expect, test } from "vitest";
import { cosineAt, linearAt } from "../../ts/train/schedules.js";
import { goldenJson } from "./golden-folder.js";

type Samples = readonly (readonly [at: number, value: number])[];

interface CosineCase {
  readonly base: number;
  readonly final: number;
  readonly iterations_per_epoch: number;
  readonly warmup_epochs: number;
  readonly length: number;
  readonly samples: Samples;
}

interface TemperatureCase {
  readonly warmup: number;
  readonly final: number;
  readonly warmup_epochs: number;
  readonly samples: Samples;
}

const TOLERANCE = 1e-12;
const golden = goldenJson<{ cosine: CosineCase[]; teacher_temperature: TemperatureCase[] }>("schedules.json");

test("the golden schedules are there", () => {
  expect(golden.cosine.length).toBeGreaterThan(0);
  expect(golden.teacher_temperature.length).toBeGreaterThan(0);
});

describe("cosine schedules equal the reference's", () => {
  for (const [index, kind] of golden.cosine.entries()) {
    const name = `case ${index}: ${kind.base} -> ${kind.final}, ${kind.length} steps`;
    const warmupSteps = kind.warmup_epochs * kind.iterations_per_epoch;
    const schedule = { base: kind.base, final: kind.final, steps: kind.length, warmupSteps };
    test(name, () => compare(name, kind.samples, (step) => cosineAt(schedule, step)));
  }
});

describe("teacher temperatures equal the reference's", () => {
  for (const [index, kind] of golden.teacher_temperature.entries()) {
    const name = `case ${index}: ${kind.warmup} -> ${kind.final} in ${kind.warmup_epochs} epochs`;
    const schedule = { start: kind.warmup, end: kind.final, epochs: kind.warmup_epochs };
    test(name, () => compare(name, kind.samples, (epoch) => linearAt(schedule, epoch)));
  }
});

function compare(name: string, samples: Samples, valueAt: (at: number) => number): void {
  expect(samples.length).toBeGreaterThan(0);
  const largest = Math.max(...samples.map(([at, value]) => Math.abs(valueAt(at) - value)));
  console.log(`schedules ${name}: largest error ${largest.toExponential(1)}`);
  expect(largest).toBeLessThan(TOLERANCE);
}
