/** k-NN accuracy on held-out images while a run goes on: of the untrained network first, then of the teacher. */
import type { ResolvedConfig } from "../config/resolved.js";
import { evaluateKnn } from "../evaluate/knn.js";
import type { Native } from "../native/engine.js";
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
  readonly onEvaluation: TrainOptions["onEvaluation"];
}

/** Measures where it is due and logs the result, unless the run has it already. */
export async function evaluateWhereDue(evaluated: Evaluated, progress: Progress): Promise<void> {
  const { native, run, config, data, onEvaluation } = evaluated;
  if (data === null || !evaluationIsDue(config, progress)) return;
  const { step } = progress;
  if ((await run.evaluations()).some((record) => record.step === step)) return;
  const { everyEpochs: _, ...protocol } = config.evaluate.knn;
  const { workers } = config.data;
  const sources = { train: data.train, heldOut: data.heldOut };
  const { scores } = await evaluateKnn({
    ...protocol,
    ...sources,
    native,
    workers,
    limits: imageLimits(config.data),
    batchSize: config.training.batchSize,
  });
  const record = { step, protocol: "knn", network: "teacher", scores } as const;
  await run.logEvaluation(record);
  onEvaluation?.(record);
}
