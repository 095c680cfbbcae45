/** Pretraining with UDI, from a configuration to a finished run: the main path, top to bottom. */
import { engineOptions } from "../config/engine-options.js";
import type { Config } from "../config/schema.js";
import { openEngine, openViewBatch, setViewThreads } from "../native/engine.js";
import { enterRun } from "../run/enter-run.js";
import { describeEnvironment } from "../run/environment.js";
import type { StepRecord } from "../run/records.js";
import { BEGINNING, openRun, type Progress } from "../run/run.js";
import { trainingBatches } from "../views/training-batches.js";
import { evaluateWhereDue, evaluationIsMissing } from "./evaluation.js";
import { startFromWeights } from "./initial-weights.js";
import { drawWhereDue, picturesAreLeft } from "./pictures/run-pictures.js";
import { checkpointIsDue, isFinished, stepAt, stepsToCome } from "./plan.js";
import { scheduleAt } from "./schedules.js";
import { batchesOf, settleRun } from "./settle-run.js";
import { requireFewSkipped } from "./skip-limit.js";
import type { TrainOptions, TrainResult } from "./train-options.js";
import { advanced, saveWorthKeeping, skippedRecords, stepRecord, withWayBack } from "./turn.js";
import { WaitWatch } from "./wait-watch.js";
import { Minutes, withWaits } from "./waits.js";
import { watchIsMissing, watchWhereDue } from "./watch.js";
import { WatchSample } from "./watch-sample.js";

/**
 * Trains until the last epoch is done or `options.signal` is aborted; all that remains is in the folder of the run,
 * `config.output`. Rejects with a UdiError; what can be known before is refused before the folder is touched.
 */
export async function train(written: Config, options: TrainOptions = {}): Promise<TrainResult> {
  const { mode = "start", onRemark = () => {}, onIndexing = () => {} } = options;
  const { onStart, onStep, onEvaluation, onWatch, signal } = options;
  const settled = await settleRun(written, { onRemark, onProgress: onIndexing });
  const { config, data, stepsPerEpoch } = settled;
  using entry = await enterRun({ ...settled, mode, onRemark });

  await using native = await openEngine(engineOptions(config));
  setViewThreads(config.data.workers);
  if (entry.checkpoint !== null) await native.load(entry.checkpoint.state);
  else await startFromWeights(native, config, onRemark);
  let progress: Progress = entry.checkpoint?.record ?? BEGINNING;
  await using run = await openRun(entry, describeEnvironment({ ...settled, fromStep: progress.step }));
  const evaluated = { native, run, config, data: data.knn, signal, onEvaluation };
  using sample = new WatchSample(config, data.train);
  const watched = { native, run, config, sample, signal, onWatch, onRemark };
  const pictured = { native, folder: run.folder, config, source: data.train, signal, onRemark };
  onStart?.({
    folder: run.folder,
    config,
    images: data.train.count,
    stepsPerEpoch,
    step: progress.step,
    lastStep: progress.step + stepsToCome(config, progress.position, stepsPerEpoch),
  });
  const lookWhereDue = async () => {
    await evaluateWhereDue(evaluated, progress);
    await watchWhereDue(watched, progress);
    await drawWhereDue(pictured, progress);
  };
  await lookWhereDue();

  const waits = new WaitWatch({ ...config.data, cores: settled.machine.cores });
  const sinceSave = new Minutes();
  let last: StepRecord | null = null;
  const batches = trainingBatches({
    ...batchesOf(settled),
    from: progress.position,
    openBatch: (shape) => openViewBatch(shape, config.crops.executor),
  });
  try {
    for await (const { value: batch, waitSeconds } of withWaits(batches, signal)) {
      using views = batch.views;
      if (signal?.aborted) break;
      const at = scheduleAt(config, {
        epoch: batch.epoch,
        step: stepAt(batch, stepsPerEpoch),
        stepsPerEpoch,
      });
      const report = await native.stepUdi(views, at).catch(async (error: unknown) => {
        await run.settled();
        throw withWayBack(error, run.newestCheckpoint);
      });
      const turn = { batch, at, report, waitSeconds };
      progress = advanced(progress, turn, stepsPerEpoch);
      last = stepRecord(turn);
      await run.logStep(last, skippedRecords(turn));
      onStep?.(last, progress.samples);
      waits.add(turn, onRemark);
      requireFewSkipped(progress.samples, settled.skipLimit);
      if (checkpointIsDue(config, progress, sinceSave.minutes)) {
        await run.save(native, progress);
        sinceSave.restart();
      }
      await lookWhereDue();
    }
  } catch (error) {
    await saveWorthKeeping(error, () => run.complete(native, progress));
    throw error;
  }
  await run.complete(native, progress);
  const left =
    evaluationIsMissing(evaluated, progress) ||
    watchIsMissing(watched, progress) ||
    picturesAreLeft(pictured, progress);
  const finished = isFinished(config, progress.position) && !left;
  return {
    outcome: finished ? "finished" : "interrupted",
    folder: run.folder,
    step: progress.step,
    last,
    checkpoint: run.newestCheckpoint as string, // complete has made one
    evaluations: run.logged.evaluations,
    watch: run.logged.watch,
  };
}
