/** Steps of a benchmark, given to the learner as training gives them. */
import type { StepReport } from "../native/types.js";
import { StepsAhead } from "../train/steps-ahead.js";

export interface TimedSteps {
  readonly make: () => Promise<StepReport>;
  readonly count: number;
  /** Whether each is given before the one in front of it is reported. */
  readonly ahead: boolean;
  /** In their order, counted from 1. */
  readonly onStep: (step: number, seconds: number) => void;
}

/** What they reported. */
export async function timedSteps({ make, count, ahead, onStep }: TimedSteps): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  const steps = new StepsAhead<number, StepReport>({
    make,
    record: async (_, report) => {
      reports.push(report);
    },
    tell: (step, { seconds }) => onStep(step, seconds),
  });
  for (let step = 1; step <= count; step++) {
    await steps.give(step);
    if (!ahead) await steps.settle();
  }
  await steps.settle();
  return reports;
}
