/** k-NN accuracy on held-out images while a run goes on: of the untrained network first, then of the teacher. */
import type { ResolvedConfig } from "../config/resolved.js";
import { engineEmbedder } from "../evaluate/embedder.js";
import { evaluateKnn } from "../evaluate/knn.js";
import type { Native } from "../native/engine.js";
import type { EvaluationRecord } from "../run/records.js";
import type { Progress, Run } from "../run/run.js";
import { imageLimits } from "../views/read-image.js";
import { evaluationIsDue } from "./plan.js";
import type { TrainOptions } from "./train-options.js";
import type { KnnData } from "./training-data.js";

export interface Evaluated {
  readonly native: Native;
  readonly run: Run;
  readonly config: ResolvedConfig;
  readonly data: KnnData | null;
  readonly signal: AbortSignal | undefined;
  readonly onEvaluation: TrainOptions["onEvaluation"];
}

/** Whether an evaluation is due that the run does not have yet. */
export function evaluationIsMissing({ run, config, data }: Evaluated, progress: Progress): boolean {
  if (data === null || !evaluationIsDue(config, progress)) return false;
  return !run.logged.evaluations.some(({ step }) => step === progress.step);
}

/** Measures where it is due and logs the result. Once the signal is aborted it is left for the run's next part. */
export async function evaluateWhereDue(evaluated: Evaluated, progress: Progress): Promise<void> {
  const { run, signal, onEvaluation } = evaluated;
  if (signal?.aborted || !evaluationIsMissing(evaluated, progress)) return;
  try {
    const record = await evaluation(evaluated, progress.step);
    await run.logEvaluation(record);
    onEvaluation?.(record);
  } catch (error) {
    if (error !== signal?.reason) throw error;
  }
}

async function evaluation(
  { native, config, data, signal }: Evaluated,
  step: number,
): Promise<EvaluationRecord> {
  const { everyEpochs: _, ...protocol } = config.evaluate.knn;
  const { workers } = config.data;
  const { batchSize } = config.training;
  const { train, heldOut } = data as KnnData;
  const limits = imageLimits(config.data);
  const embedder = engineEmbedder(native, "teacher", protocol.cropSize);
  const request = { ...protocol, train, heldOut, embedder, workers, limits, batchSize, signal };
  const [cls] = (await evaluateKnn(request)).features;
  return { step, protocol: "knn", network: "teacher", scores: cls?.scores ?? [] };
}
