/** Learning rate, weight decay, momentum and teacher temperature of every step (spec/method.md section 6). */
import type { ResolvedConfig } from "../config/resolved.js";
import { ArgumentError } from "../errors.js";
import type { ScheduleValues } from "../native/types.js";

/** The batch size at which `schedule.learningRate` is meant. */
export const REFERENCE_BATCH = 256;

/** A linear rise from 0 to `base`, then half a cosine from `base` towards `final`. */
export interface CosineSchedule {
  readonly base: number;
  readonly final: number;
  /** Length in steps, with the warm-up. */
  readonly steps: number;
  /** Length of the rise in steps; its first step is 0, its last `base`. */
  readonly warmupSteps: number;
}

/** A linear change from `start` to `end`, then constant. */
export interface LinearSchedule {
  readonly start: number;
  readonly end: number;
  /** Length of the change in epochs; its first is `start`, its last `end`. */
  readonly epochs: number;
}

export interface Position {
  /** Counted from 0. */
  readonly epoch: number;
  /** Counted from 0 over the whole run. */
  readonly step: number;
  readonly stepsPerEpoch: number;
}

/** Values of all schedules at a position of the run. */
export function scheduleAt(
  config: Pick<ResolvedConfig, "schedule" | "training">,
  { epoch, step, stepsPerEpoch }: Position,
): ScheduleValues {
  const { schedule, training } = config;
  const steps = training.epochs * stepsPerEpoch;
  const cosine = (base: number, final: number) => cosineAt({ base, final, steps, warmupSteps: 0 }, step);
  const learningRate = {
    base: (schedule.learningRate * training.batchSize) / REFERENCE_BATCH,
    final: schedule.minLearningRate,
    steps,
    warmupSteps: schedule.warmupEpochs * stepsPerEpoch,
  };
  return {
    learningRate: cosineAt(learningRate, step),
    weightDecay: cosine(schedule.weightDecay, schedule.weightDecayEnd),
    momentum: cosine(schedule.teacherMomentum, 1),
    teacherTemperature: teacherTemperatureIn(config, epoch),
    freezeLastLayer: epoch < schedule.freezeLastLayerEpochs,
  };
}

/** The teacher's temperature in an epoch, counted from 0. */
export function teacherTemperatureIn({ schedule }: Pick<ResolvedConfig, "schedule">, epoch: number): number {
  return linearAt(teacherTemperature(schedule), epoch);
}

/** The cosine never reaches `final`: its last step is one short of it, as the reference has it. */
export function cosineAt({ base, final, steps, warmupSteps }: CosineSchedule, step: number): number {
  if (!Number.isInteger(step) || step < 0 || step >= steps) {
    throw new ArgumentError(`step: expected a whole number in [0, ${steps}), received ${step}`);
  }
  if (step < warmupSteps) return evenlySpaced(0, base, warmupSteps, step);
  const progress = (step - warmupSteps) / (steps - warmupSteps);
  return final + 0.5 * (base - final) * (1 + Math.cos(Math.PI * progress));
}

/** Value of a linear schedule in an epoch. */
export function linearAt({ start, end, epochs }: LinearSchedule, epoch: number): number {
  return epoch < epochs ? evenlySpaced(start, end, epochs, epoch) : end;
}

function teacherTemperature(schedule: ResolvedConfig["schedule"]): LinearSchedule {
  return {
    start: schedule.warmupTeacherTemperature,
    end: schedule.teacherTemperature,
    epochs: schedule.warmupTeacherTemperatureEpochs,
  };
}

/** Number `index` of `count` evenly spaced numbers, both ends included; of a single one the first end. */
function evenlySpaced(first: number, last: number, count: number, index: number): number {
  if (count > 1 && index === count - 1) return last;
  return count > 1 ? first + index * ((last - first) / (count - 1)) : first;
}
