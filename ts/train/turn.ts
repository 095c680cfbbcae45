/** What one turn of the loop leaves behind: its lines in the logs, and how far the run has come. */
import type { ResolvedConfig } from "../config/resolved.js";
import { NativeError, NonFiniteLossError } from "../errors.js";
import type { ScheduleValues, StepReport } from "../native/types.js";
import type { SkippedRecord, StepRecord } from "../run/records.js";
import type { Progress } from "../run/run.js";
import type { Position } from "../views/planned-batches.js";
import type { TrainingBatch } from "../views/training-batches.js";
import { following, stepAt } from "./plan.js";
import { scheduleAt } from "./schedules.js";

/** A step as the learner is given it. */
export interface GivenStep {
  readonly batch: TrainingBatch;
  readonly at: ScheduleValues;
  readonly waitSeconds: number;
  /** How far the run has come with it. */
  readonly reached: Progress;
}

export interface Turn extends Omit<GivenStep, "reached"> {
  readonly report: StepReport;
}

/** Where the schedules stand at the step of a batch: by its place in the run, not by how many steps were made. */
export function scheduleOf(
  config: Pick<ResolvedConfig, "schedule" | "training">,
  batch: Position,
  stepsPerEpoch: number,
): ScheduleValues {
  const step = stepAt(batch, stepsPerEpoch);
  return scheduleAt(config, { epoch: batch.epoch, step, stepsPerEpoch });
}

/** The line of `metrics.jsonl`. */
export function stepRecord({ batch, at, report, waitSeconds }: Turn): StepRecord {
  const { step, loss, levels, terms, gradientNorm, lossScale, seconds } = report;
  const { learningRate, weightDecay, momentum, teacherTemperature } = at;
  return {
    step,
    epoch: batch.epoch + 1,
    loss,
    levels,
    terms,
    gradientNorm,
    learningRate,
    weightDecay,
    momentum,
    teacherTemperature,
    lossScale,
    overflowed: report.skipped,
    seconds,
    dataWaitSeconds: waitSeconds,
    dataSeconds: batch.seconds,
    imagesPerSecond: batch.views.shape.images / (seconds + waitSeconds),
  };
}

/** The lines of `skipped.jsonl`. */
export function skippedRecords({ batch, report }: Turn): SkippedRecord[] {
  return batch.skipped.map(({ file, reason }) => ({
    step: report.step,
    epoch: batch.epoch + 1,
    file,
    reason,
  }));
}

/** How far the run has come after the step of this batch. */
export function advanced({ step, samples }: Progress, batch: TrainingBatch, stepsPerEpoch: number): Progress {
  const skipped = batch.skipped.length;
  return {
    step: step + 1,
    position: following(batch, stepsPerEpoch),
    samples: {
      seen: samples.seen + batch.views.shape.images + skipped,
      skipped: samples.skipped + skipped,
    },
  };
}

/** Names the way back: the engine knows step and term, the run its checkpoints. Any other error passes as it is. */
export function withWayBack(error: unknown, newestCheckpoint: string | null): unknown {
  if (!(error instanceof NonFiniteLossError)) return error;
  const last = newestCheckpoint ?? "none yet";
  return new NonFiniteLossError(`${error.message}; last good checkpoint: ${last}`, {
    hint: "try a lower schedule.learningRate, a longer warm-up or precision fp32 in a new run",
    cause: error,
  });
}

/**
 * What the user can mend (data that went away, too many damaged images) must not cost the steps since the last checkpoint.
 * Where the loss diverged or the engine failed, the one before is better than one made now.
 */
export async function saveWorthKeeping(error: unknown, save: () => Promise<void>): Promise<void> {
  if (error instanceof NonFiniteLossError || error instanceof NativeError) return;
  await save().catch(() => {}); // remarked already, and `error` says more
}
