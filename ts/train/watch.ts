/** The collapse watch: looks at the networks where due, without disturbing the run, and tells new signs of a collapse. */
import type { ResolvedConfig } from "../config/resolved.js";
import type { Native } from "../native/engine.js";
import type { InspectionReport } from "../native/types.js";
import type { StepRecord, WatchRecord } from "../run/records.js";
import type { Progress, Run } from "../run/run.js";
import { type Seen, signsIn, warnings } from "./collapse-signs.js";
import { watchIsDue } from "./plan.js";
import { teacherTemperatureIn } from "./schedules.js";
import type { TrainOptions } from "./train-options.js";
import type { Remark } from "./training-data.js";
import type { WatchSample } from "./watch-sample.js";

export interface Watched {
  readonly native: Pick<Native, "inspection">;
  readonly run: Pick<Run, "logged" | "logWatch">;
  readonly config: ResolvedConfig;
  readonly sample: WatchSample;
  readonly signal: AbortSignal | undefined;
  readonly onWatch: TrainOptions["onWatch"];
  readonly onRemark: Remark;
}

/** Whether a look is due that the run does not have yet. */
export function watchIsMissing({ run, config, sample }: Watched, progress: Progress): boolean {
  if (!sample.isEnough || !watchIsDue(config, progress)) return false;
  return !run.logged.watch.some(({ step }) => step === progress.step);
}

/** Looks where it is due and logs the result. Once the signal is aborted it is left for the run's next part. */
export async function watchWhereDue(watched: Watched, progress: Progress): Promise<void> {
  const { run, config, onWatch, onRemark } = watched;
  if (!watchIsMissing(watched, progress)) return;
  const seen = await look(watched, progress);
  if (seen === null) return;
  const before = [...run.logged.watch];
  const record: WatchRecord = { ...seen, signs: signsIn(seen, before, config) };
  await run.logWatch(record);
  onWatch?.(record);
  for (const warning of warnings(record, before, config)) onRemark(warning);
}

/** Null: the signal was aborted. */
async function look(watched: Watched, progress: Progress): Promise<Seen | null> {
  const began = performance.now();
  const teacherTemperature = teacherTemperatureIn(watched.config, epochOfLastStep(progress));
  const report = await inspect(watched, teacherTemperature);
  if (report === null) return null;
  return {
    step: progress.step,
    epoch: progress.position.epoch,
    ...report,
    divergence: report.entropyOfMean - report.meanEntropy,
    teacherTemperature,
    gradientNorm: gradientNormOf(watched.run.logged.last),
    seconds: (performance.now() - began) / 1000,
  };
}

async function inspect(
  { native, sample, signal }: Watched,
  temperature: number,
): Promise<InspectionReport | null> {
  if (signal?.aborted) return null;
  const inspection = native.inspection();
  for await (const views of sample.views()) {
    await inspection.add(views);
    if (signal?.aborted) return null;
  }
  return inspection.report(temperature);
}

/** Counted from 0; before the first step that of the first. */
function epochOfLastStep({ position: { epoch, index } }: Progress): number {
  return index > 0 ? epoch : Math.max(0, epoch - 1);
}

function gradientNormOf(last: StepRecord | null): number | null {
  return last !== null && Number.isFinite(last.gradientNorm) ? last.gradientNorm : null;
}
