import { setTimeout as sleep, setImmediate as turnOfLoop } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import { StepsAhead } from "../../ts/train/steps-ahead.js";

/** A learner that makes a step when it is told to, and what became of its steps, in order. */
class PretendedLearner {
  readonly happened: string[] = [];
  readonly recorded: number[] = [];
  readonly #tellingFails: ReadonlySet<number>;
  readonly #underway = new Map<number, { done: (report: string) => void; failed: (error: Error) => void }>();
  readonly steps = new StepsAhead<number, string>({
    make: (step) => {
      this.happened.push(`given ${step}`);
      return new Promise((done, failed) => this.#underway.set(step, { done, failed }));
    },
    record: async (step, report) => {
      await turnOfLoop();
      this.recorded.push(step);
      this.happened.push(`recorded ${report}`);
    },
    tell: (step, report) => {
      this.happened.push(`told ${report}`);
      if (this.#tellingFails.has(step)) throw new Error(`telling ${step}`);
    },
  });

  constructor(tellingFails: ReadonlySet<number> = new Set()) {
    this.#tellingFails = tellingFails;
  }

  get underway(): number[] {
    return [...this.#underway.keys()];
  }

  make(step: number): void {
    this.#take(step).done(`${step}`);
  }

  fail(step: number): void {
    this.#take(step).failed(new Error(`step ${step}`));
  }

  #take(step: number) {
    const one = this.#underway.get(step);
    if (one === undefined) throw new Error(`${step} is not underway`);
    this.#underway.delete(step);
    return one;
  }
}

/** Whether a promise is settled once all that could be done has been. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const end = () => {
    settled = true;
  };
  promise.then(end, end);
  for (let turns = 0; turns < 5; turns++) await turnOfLoop();
  return settled;
}

/** Of a promise that rejects. */
function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => expect.unreachable(),
    (error: Error) => error.message,
  );
}

test("a step is given before the one in front of it is made, and never a third", async () => {
  const learner = new PretendedLearner();
  const { steps } = learner;
  await steps.give(1);
  const second = steps.give(2);
  expect(await isSettled(second)).toBe(false);
  expect(learner.happened).toEqual(["given 1", "given 2"]);
  learner.make(1);
  await second;
  expect(learner.happened.slice(2)).toEqual(["recorded 1", "told 1"]);
  const third = steps.give(3);
  expect(learner.underway).toEqual([2, 3]);
  expect(await isSettled(third)).toBe(false);
});

test("a step is recorded and told as soon as it is made, though no other is given", async () => {
  const learner = new PretendedLearner();
  await learner.steps.give(1);
  learner.make(1);
  for (let turns = 0; turns < 5; turns++) await turnOfLoop();
  expect(learner.happened).toEqual(["given 1", "recorded 1", "told 1"]);
});

test("settling waits for all steps underway, and then for what is recorded of them", async () => {
  const learner = new PretendedLearner();
  const { steps } = learner;
  await steps.give(1);
  void steps.give(2);
  const settled = steps.settle();
  learner.make(1);
  expect(await isSettled(settled)).toBe(false);
  learner.make(2);
  await settled;
  expect(learner.recorded).toEqual([1, 2]);
});

test("where none was given, or all are settled, settling is done at once", async () => {
  const learner = new PretendedLearner();
  await learner.steps.settle();
  await learner.steps.give(1);
  learner.make(1);
  await learner.steps.settle();
  await learner.steps.settle();
  expect(learner.happened).toEqual(["given 1", "recorded 1", "told 1"]);
});

test("steps are recorded in order, whichever the learner has made first", async () => {
  const learner = new PretendedLearner();
  await learner.steps.give(1);
  const second = learner.steps.give(2);
  learner.make(2);
  expect(await isSettled(second)).toBe(false);
  expect(learner.recorded).toEqual([]);
  learner.make(1);
  await learner.steps.settle();
  expect(learner.recorded).toEqual([1, 2]);
});

test("a step made behind one that failed counts for nothing, and is waited for", async () => {
  const learner = new PretendedLearner();
  const { steps } = learner;
  await steps.give(1);
  const second = steps.give(2);
  learner.fail(1);
  expect(await failureOf(second)).toBe("step 1");
  const settled = steps.settle();
  expect(await isSettled(settled)).toBe(false);
  learner.make(2);
  expect(await failureOf(settled)).toBe("step 1");
  expect(learner.happened).toEqual(["given 1", "given 2"]);
  expect(steps.isRecorded).toBe(false);
});

test("of two steps that fail the first is the one that is told of", async () => {
  const learner = new PretendedLearner();
  await learner.steps.give(1);
  const second = learner.steps.give(2);
  learner.fail(2);
  learner.fail(1);
  expect(await failureOf(second)).toBe("step 1");
  expect(await failureOf(learner.steps.settle())).toBe("step 1");
});

test("a step that fails behind one that went well leaves that one recorded", async () => {
  const learner = new PretendedLearner();
  await learner.steps.give(1);
  const second = learner.steps.give(2);
  learner.fail(2);
  learner.make(1);
  await second;
  expect(await failureOf(learner.steps.settle())).toBe("step 2");
  expect(learner.happened.slice(2)).toEqual(["recorded 1", "told 1"]);
  expect(learner.steps.isRecorded).toBe(false);
});

test("a failure that is known already keeps the next step from being given", async () => {
  const learner = new PretendedLearner();
  await learner.steps.give(1);
  learner.fail(1);
  await turnOfLoop();
  expect(await failureOf(learner.steps.give(2))).toBe("step 1");
  expect(learner.happened).toEqual(["given 1"]);
});

test("where telling of a step fails, the one underway is recorded all the same, but not told", async () => {
  const learner = new PretendedLearner(new Set([1]));
  const { steps } = learner;
  await steps.give(1);
  const second = steps.give(2);
  learner.make(1);
  expect(await failureOf(second)).toBe("telling 1");
  learner.make(2);
  expect(await failureOf(steps.settle())).toBe("telling 1");
  expect(learner.happened.slice(2)).toEqual(["recorded 1", "told 1", "recorded 2"]);
  expect(steps.isRecorded).toBe(true);
});

test("the learner is busy from its first step until it has made all it was given", async () => {
  const learner = new PretendedLearner();
  const { steps } = learner;
  expect(steps.busyUntil).toBeLessThanOrEqual(performance.now());
  const began = performance.now();
  await steps.give(1);
  const second = steps.give(2);
  learner.make(1);
  await second;
  expect(steps.busyUntil).toBe(Number.POSITIVE_INFINITY);
  learner.make(2);
  await steps.settle();
  expect(steps.busyUntil).toBeGreaterThanOrEqual(began);
  const ended = steps.busyUntil;
  await sleep(5);
  expect(steps.busyUntil).toBe(ended);
});

/** What the outcome of each step is, how long it takes, and whether the loop settles after it. */
const anyStep = fc.record({
  fate: fc.oneof(
    { weight: 8, arbitrary: fc.constant("made" as const) },
    { weight: 1, arbitrary: fc.constantFrom("failed" as const, "telling fails" as const) },
  ),
  turns: fc.integer({ min: 0, max: 4 }),
  batchTurns: fc.integer({ min: 0, max: 4 }),
  settles: fc.boolean(),
});

test("whatever happens, what is recorded is what the learner has made up to the first failure", async () => {
  const property = fc.asyncProperty(fc.array(anyStep, { maxLength: 12 }), async (plan) => {
    const [made, recorded, told]: [number[], number[], number[]] = [[], [], []];
    let underway = 0;
    const steps = new StepsAhead<number, number>({
      make: async (step) => {
        expect(++underway).toBeLessThanOrEqual(2);
        for (let turn = 0; turn < (plan[step]?.turns ?? 0); turn++) await turnOfLoop();
        underway -= 1;
        if (plan[step]?.fate === "failed") throw new Error(`${step}`);
        made.push(step);
        return step;
      },
      record: async (step) => {
        await turnOfLoop();
        recorded.push(step);
      },
      tell: (step) => {
        told.push(step);
        if (plan[step]?.fate === "telling fails") throw new Error(`${step}`);
      },
    });
    let thrown: string | null = null;
    try {
      for (const [step, { batchTurns, settles }] of plan.entries()) {
        for (let turn = 0; turn < batchTurns; turn++) await turnOfLoop();
        await steps.give(step);
        if (!settles) continue;
        await steps.settle();
        expect([underway, recorded]).toEqual([0, [...made].sort((a, b) => a - b)]);
      }
      await steps.settle();
    } catch (error) {
      thrown = (error as Error).message;
      await steps.settle().catch((same: Error) => expect(same.message).toBe(thrown));
    }
    const bad = plan.findIndex(({ fate }) => fate !== "made");
    expect(thrown).toBe(bad < 0 ? null : `${bad}`);
    expect(underway).toBe(0);
    const failed = plan.findIndex(({ fate }) => fate === "failed");
    const counted = made.filter((step) => failed < 0 || step < failed).sort((a, b) => a - b);
    expect(recorded).toEqual(counted);
    const countOfTold = bad < 0 ? plan.length : plan[bad]?.fate === "failed" ? bad : bad + 1;
    expect(told).toEqual(Array.from({ length: countOfTold }, (_, step) => step));
    if (steps.isRecorded) expect(recorded).toHaveLength(made.length);
  });
  await fc.assert(property);
});
