import fc from "fast-check";
import { expect, test } from "vitest";
import { loadConfig } from "../../ts/config/load.js";
import { ArgumentError } from "../../ts/errors.js";
import { type CosineSchedule, cosineAt, linearAt, scheduleAt } from "../../ts/train/schedules.js";

/** Schedules with at least one step after the warm-up. */
const cosines: fc.Arbitrary<CosineSchedule> = fc
  .record({
    base: fc.double({ min: 1e-6, max: 1, noNaN: true }),
    final: fc.double({ min: 0, max: 1, noNaN: true }),
    steps: fc.integer({ min: 1, max: 500 }),
    share: fc.double({ min: 0, max: 0.999, noNaN: true }),
  })
  .map(({ base, final, steps, share }) => ({ base, final, steps, warmupSteps: Math.floor(steps * share) }));

const values = (schedule: CosineSchedule) =>
  Array.from({ length: schedule.steps }, (_, step) => cosineAt(schedule, step));

test("a warm-up rises from 0 to the peak, in equal steps", () => {
  fc.assert(
    fc.property(cosines, (schedule) => {
      const { warmupSteps, base } = schedule;
      fc.pre(warmupSteps > 1);
      const rise = values(schedule).slice(0, warmupSteps);
      expect(rise[0]).toBe(0);
      expect(rise.at(-1)).toBe(base);
      for (const [step, value] of rise.entries()) {
        expect(value).toBeCloseTo((base * step) / (warmupSteps - 1), 12);
      }
    }),
  );
});

test("after the warm-up it goes from the peak towards the final value, never back and never beyond", () => {
  fc.assert(
    fc.property(cosines, (schedule) => {
      const { base, final, warmupSteps } = schedule;
      const fall = values(schedule).slice(warmupSteps);
      const direction = Math.sign(final - base);
      expect(fall[0]).toBeCloseTo(base, 12);
      for (const [step, value] of fall.entries()) {
        expect((value - (fall[step - 1] ?? value)) * direction).toBeGreaterThanOrEqual(-1e-15);
        expect((final - value) * direction).toBeGreaterThanOrEqual(-1e-15);
      }
    }),
  );
});

test("a warm-up of one step is 0, as the reference has it", () => {
  expect(values({ base: 2, final: 1, steps: 2, warmupSteps: 1 })).toEqual([0, 2]);
});

test("a warm-up as long as the training is a rise alone", () => {
  expect(values({ base: 2, final: 1, steps: 3, warmupSteps: 3 })).toEqual([0, 1, 2]);
});

test.each([-1, 10, 0.5, Number.NaN])("step %d of 10 is refused", (step) => {
  expect(() => cosineAt({ base: 1, final: 0, steps: 10, warmupSteps: 0 }, step)).toThrow(ArgumentError);
});

test("a linear schedule has both its ends, then stays", () => {
  const at = (epoch: number) => linearAt({ start: 1, end: 3, epochs: 3 }, epoch);
  expect([0, 1, 2, 3, 99].map(at)).toEqual([1, 2, 3, 3, 3]);
  expect([0, 1].map((epoch) => linearAt({ start: 1, end: 3, epochs: 1 }, epoch))).toEqual([1, 3]);
  expect(linearAt({ start: 1, end: 3, epochs: 0 }, 0)).toBe(3);
});

test("the published run begins, peaks and ends as published", () => {
  const config = loadConfig({ file: "defaults", set: ["training.batchSize=1024"] });
  const stepsPerEpoch = 1251;
  const at = (step: number) =>
    scheduleAt(config, { epoch: Math.floor(step / stepsPerEpoch), step, stepsPerEpoch });
  expect(at(0)).toEqual({
    learningRate: 0,
    weightDecay: 0.04,
    momentum: 0.996,
    teacherTemperature: 0.04,
    freezeLastLayer: true,
  });
  expect(at(10 * stepsPerEpoch - 1).learningRate).toBe(0.002);
  expect(at(stepsPerEpoch).freezeLastLayer).toBe(false);
  const last = at(300 * stepsPerEpoch - 1);
  expect(last.learningRate).toBeCloseTo(1e-5, 9);
  expect(last.weightDecay).toBeCloseTo(0.1, 9);
  expect(last.momentum).toBeCloseTo(1, 9);
  expect(last.teacherTemperature).toBe(0.07);
});

test("the learning rate grows with the batch, the rest does not", () => {
  const values = (batch: number) =>
    scheduleAt(loadConfig({ file: "defaults", set: [`training.batchSize=${batch}`] }), {
      epoch: 10,
      step: 100,
      stepsPerEpoch: 10,
    });
  const [small, large] = [values(256), values(512)];
  expect(small.learningRate).toBeCloseTo(0.0005, 12);
  expect(large).toEqual({ ...small, learningRate: large.learningRate });
  expect(large.learningRate).toBeCloseTo(0.001, 12);
});
