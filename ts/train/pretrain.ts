/** Pretraining with UDI, from a configuration to a finished run: the main path, top to bottom. */
import type { Config } from "../config/schema.js";
import { openEngine, openViewBatch, setViewThreads } from "../native/engine.js";
import { enterRun } from "../run/enter-run.js";
import { describeEnvironment } from "../run/environment.js";
import type { StepRecord } from "../run/records.js";
import { BEGINNING, openRun, type Progress } from "../run/run.js";
import { trainingBatches } from "../views/training-batches.js";
import { evaluateWhereDue } from "./evaluation.js";
import { checkpointIsDue } from "./plan.js";
import { scheduleAt } from "./schedules.js";
import { batchesOf, engineOptions, settleRun } from "./settle-run.js";
import { requireFewSkipped } from "./skip-limit.js";
import type { TrainOptions, TrainResult } from "./train-options.js";
import { advanced, skippedRecords, stepRecord, withWayBack } from "./turn.js";
import { WaitWatch } from "./wait-watch.js";
import { withWaits } from "./waits.js";

/**
 * Trains until the last epoch is done or `options.signal` is aborted; all that remains is in the folder of the run,
 * `config.output`. Rejects with a UdiError; what can be known before is refused before the folder is touched.
 */
export async function train(written: Config, options: TrainOptions = {}): Promise<TrainResult> {
  const { mode = "start", onRemark = () => {}, onIndexing = () => {} } = options;
  const { onStart, onStep, onEvaluation, signal } = options;
  const settled = await settleRun(written, { onRemark, onProgress: onIndexing });
  const { config, data, stepsPerEpoch } = settled;
  const entry = await enterRun({ ...settled, mode, onRemark });

  await using native = await openEngine(engineOptions(config));
  setViewThreads(config.data.workers);
  if (entry.checkpoint !== null) await native.load(entry.checkpoint.state);
  let progress: Progress = entry.checkpoint?.record ?? BEGINNING;
  await using run = await openRun(entry, describeEnvironment({ ...settled, fromStep: progress.step }));
  const evaluated = { native, run, config, data: data.knn, onEvaluation };
  onStart?.({ folder: run.folder, config, images: data.train.count, stepsPerEpoch, step: progress.step });
  await evaluateWhereDue(evaluated, progress);

  const waits = new WaitWatch({ ...config.data, cores: settled.machine.cores });
  let outcome: TrainResult["outcome"] = "finished";
  let last: StepRecord | null = null;
  const batches = trainingBatches({
    ...batchesOf(settled),
    from: progress.position,
    openBatch: openViewBatch,
  });
  for await (const { value: batch, waitSeconds } of withWaits(batches)) {
    using views = batch.views;
    const at = scheduleAt(config, { epoch: batch.epoch, step: progress.step, stepsPerEpoch });
    const report = await native.stepUdi(views, at).catch((error: unknown) => {
      throw withWayBack(error, run.newestCheckpoint);
    });
    const turn = { batch, at, report, waitSeconds };
    progress = advanced(progress, turn, stepsPerEpoch);
    last = stepRecord(turn);
    await run.logStep(last, skippedRecords(turn));
    onStep?.(last, progress.samples);
    waits.add(turn, onRemark);
    requireFewSkipped(progress.samples, settled.skipLimit);
    const stopping = signal?.aborted === true;
    if (stopping || checkpointIsDue(config, progress)) await run.save(native, progress);
    if (stopping) {
      outcome = "interrupted";
      break;
    }
    await evaluateWhereDue(evaluated, progress);
  }
  const checkpoint = run.newestCheckpoint as string; // the last step always has one
  const evaluations = await run.evaluations();
  return { outcome, folder: run.folder, step: progress.step, last, checkpoint, evaluations };
}
