/** Everything that is decided before a run may begin: its data, its numbers, its identity. */
import { join } from "node:path";
import { resolveConfig } from "../config/resolve.js";
import type { ResolvedConfig, RunFacts } from "../config/resolved.js";
import type { Config } from "../config/schema.js";
import { batchesPerEpoch } from "../dataset/epoch-order.js";
import type { ImageSource } from "../dataset/image-source.js";
import { type Machine, machine } from "../native/engine.js";
import { machineFacts } from "../native/machine-facts.js";
import { type DatasetIdentity, datasetIdentity } from "../run/dataset-identity.js";
import { RUN_FILES } from "../run/run-files.js";
import { imageLimits } from "../views/read-image.js";
import type { TrainingBatchesRequest } from "../views/training-batches.js";
import type { SkipLimit } from "./skip-limit.js";
import { type DataReport, openTrainingData, type TrainingData } from "./training-data.js";

export interface SettledRun {
  readonly config: ResolvedConfig;
  readonly data: TrainingData;
  readonly dataset: DatasetIdentity;
  readonly machine: Machine;
  readonly stepsPerEpoch: number;
  readonly skipLimit: SkipLimit;
}

/** Opens the data, looks at the machine, settles every "auto". Throws DataError, InstallError or ConfigError. */
export async function settleRun(written: Config, report: DataReport): Promise<SettledRun> {
  const data = await openTrainingData(written, report);
  const images = data.train;
  const host = await machine();
  const config = resolveConfig(written, { ...machineFacts(host), ...dataFacts(images) });
  const { batchSize } = config.training;
  const stepsPerEpoch = batchesPerEpoch(images.count, batchSize);
  return {
    config,
    data,
    dataset: datasetIdentity(images),
    machine: host,
    stepsPerEpoch,
    skipLimit: {
      maxSkippedShare: config.data.maxSkippedShare,
      samplesPerEpoch: stepsPerEpoch * batchSize,
      list: join(config.output, RUN_FILES.skipped),
    },
  };
}

function dataFacts({
  count,
  kind,
  classes,
}: ImageSource): Pick<RunFacts, "samples" | "dataKind" | "labelled"> {
  return { samples: count, dataKind: kind, labelled: classes.length > 0 };
}

/** Which batches the run is made of. */
export function batchesOf({ config, data }: SettledRun): Omit<TrainingBatchesRequest, "from" | "openBatch"> {
  const { crops, seed, training } = config;
  const { workers, prefetchBatches } = config.data;
  const limits = imageLimits(config.data);
  return { source: data.train, crops, seed, ...training, workers, prefetchBatches, limits };
}
