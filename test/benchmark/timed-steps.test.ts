import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { timedSteps } from "../../ts/benchmark/timed-steps.js";
import type { StepReport } from "../../ts/native/types.js";

const REPORT = { loss: 1, levels: {}, terms: {}, gradientNorm: 1, skipped: false, lossScale: 1, phases: {} };

/** Makes steps one after the other, each in some milliseconds; `given` are those that it held at a time. */
function learner(milliseconds: readonly number[]) {
  const given: number[] = [];
  let [held, step] = [0, 0];
  let before: Promise<unknown> = Promise.resolve();
  const make = (): Promise<StepReport> => {
    step += 1;
    held += 1;
    given.push(held);
    const made = { ...REPORT, step, seconds: (milliseconds[step - 1] ?? 0) / 1000 };
    const making = before.then(() => sleep(1000 * made.seconds));
    before = making;
    return making.then(() => {
      held -= 1;
      return made;
    });
  };
  return { make, given };
}

test("each step is given before the one in front of it is reported, never two; or each when that one is", async () => {
  const times = fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(times, fc.boolean(), async (milliseconds, ahead) => {
      const { make, given } = learner(milliseconds);
      const told: [number, number][] = [];
      const reports = await timedSteps({
        make,
        count: milliseconds.length,
        ahead,
        onStep: (step, seconds) => told.push([step, seconds]),
      });
      expect(given).toEqual(milliseconds.map((_, place) => (ahead && place > 0 ? 2 : 1)));
      expect(reports.map(({ step, seconds }) => [step, seconds])).toEqual(told);
      expect(told).toEqual(milliseconds.map((time, place) => [place + 1, time / 1000]));
    }),
    { numRuns: 30 },
  );
});

test.each([true, false])("a step that fails is the end (ahead: %s)", async (ahead) => {
  const { make } = learner([]);
  let count = 0;
  const failing = async () => {
    count += 1;
    if (count === 2) throw new Error("no memory");
    return make();
  };
  const told: number[] = [];
  const steps = timedSteps({ make: failing, count: 9, ahead, onStep: (step) => told.push(step) });
  await expect(steps).rejects.toThrow("no memory");
  expect(told).toEqual([1]);
  expect(count).toBeLessThanOrEqual(3);
});
