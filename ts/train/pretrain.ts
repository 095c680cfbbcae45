/** Pretraining with UDI, from a configuration to a finished run: the main path, top to bottom. */
import { engineOptions } from "../config/engine-options.js";
import type { Config } from "../config/schema.js";
import { openEngine, openViewBatch, setViewThreads } from "../native/engine.js";
import type { StepReport } from "../native/types.js";
import { enterRun } from "../run/enter-run.js";
import { describeEnvironment } from "../run/environment.js";
import type { StepRecord } from "../run/records.js";
import { BEGINNING, openRun, type Progress } from "../run/run.js";
import { trainingBatches } from "../views/training-batches.js";
import { evaluateWhereDue, evaluationIsMissing } from "./evaluation.js";
import { startFromWeights } from "./initial-weights.js";
import { remarkOnKernels } from "./missing-kernels.js";
import { drawWhereDue, picturesAreLeft } from "./pictures/run-pictures.js";
import { checkpointIsDue, isEpochEnd, isFinished, stepsToCome } from "./plan.js";
import { batchesOf, settleRun } from "./settle-run.js";
import { fewAreSkipped, requireFewSkipped } from "./skip-limit.js";
import { StepsAhead } from "./steps-ahead.js";
import type { TrainOptions, TrainResult } from "./train-options.js";
import {
  advanced,
  type GivenStep,
  saveWorthKeeping,
  scheduleOf,
  skippedRecords,
  stepRecord,
  withWayBack,
} from "./turn.js";
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
  await remarkOnKernels(config.device, onRemark);
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
  const steps = new StepsAhead<GivenStep, StepReport>({
    make: ({ batch, at }) =>
      native.stepUdi(batch.views, at).catch(async (error: unknown) => {
        await run.settled();
        throw withWayBack(error, run.newestCheckpoint);
      }),
    record: async (step, report) => {
      const turn = { ...step, report };
      progress = step.reached;
      last = stepRecord(turn);
      await run.logStep(last, skippedRecords(turn));
    },
    tell: (step, report) => {
      onStep?.(last as StepRecord, step.reached.samples);
      waits.add({ ...step, report }, onRemark);
    },
  });
  const batches = trainingBatches({
    ...batchesOf(settled),
    from: progress.position,
    openBatch: (shape) => openViewBatch(shape, config.crops.executor),
  });
  let reached = progress;
  try {
    for await (const { value: batch, waitSeconds } of withWaits(batches, signal, () => steps.busyUntil)) {
      using _views = batch.views;
      if (signal?.aborted) break;
      const at = scheduleOf(config, batch, stepsPerEpoch);
      reached = advanced(reached, batch, stepsPerEpoch);
      // Asked once: it must not become due when the next step is underway already.
      const saves = checkpointIsDue(config, reached, sinceSave.minutes);
      await steps.give({ batch, at, waitSeconds, reached });
      const fewSkipped = fewAreSkipped(reached.samples, settled.skipLimit);
      if (!saves && !isEpochEnd(reached.position) && fewSkipped) continue;
      await steps.settle();
      requireFewSkipped(reached.samples, settled.skipLimit);
      if (saves) {
        await run.save(native, progress);
        sinceSave.restart();
      }
      await lookWhereDue();
    }
    await steps.settle();
  } catch (error) {
    // What went wrong with a step underway came first.
    const first = await steps.settle().then(
      () => error,
      (earlier: unknown) => earlier,
    );
    if (steps.isRecorded) await saveWorthKeeping(first, () => run.complete(native, progress));
    throw first;
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
