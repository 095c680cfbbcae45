/** k-NN of a checkpoint on folders of labelled images, and of what it is held against: `udi-native evaluate knn`. */
import { type ImageSource, openImageSource } from "../dataset/image-source.js";
import type { Feature } from "../native/encoder.js";
import type { NeighbourScore } from "../native/types.js";
import type { NetworkName } from "../native/weights.js";
import { BASELINE_PASSES, type KnnBaseline, knnBaselines } from "./baselines/knn-baselines.js";
import { type Embedder, encoderEmbedder } from "./embedder.js";
import { type FeatureCacheOptions, openFeatureCache } from "./feature-cache.js";
import { evaluateKnn, type KnnResult } from "./knn.js";
import { accuracyInterval, type Interval } from "./linear/bootstrap.js";
import { type CheckpointEncoderOptions, openCheckpointEncoder } from "./open-encoder.js";
import { evaluationSize, type ViewSize } from "./view-size.js";
import { viewWorkers } from "./view-workers.js";

export interface CheckpointKnnOptions extends CheckpointEncoderOptions {
  /** Folders with one sub-folder for each class. */
  readonly train: string;
  /** Left out: each train image is judged by all others. */
  readonly val?: string | undefined;
  /** Default 10, 20, 100, 200. */
  readonly neighbours?: readonly number[] | undefined;
  /** Default 0.07. */
  readonly temperature?: number | undefined;
  /** Each is reported; default `cls`. */
  readonly features?: readonly Feature[] | undefined;
  /** Side of the centre crop in pixels; default: that of the images for which the checkpoint stores positions. */
  readonly size?: number | undefined;
  /** Length in pixels to which the shorter side is resized before; default: 256/224 of the crop. */
  readonly resizeTo?: number | undefined;
  /** Images of a batch; default 64. */
  readonly batchSize?: number | undefined;
  /** Images decoded at once; default "auto". */
  readonly workers?: number | "auto" | undefined;
  /** Where features are kept; null: nowhere. Default: the cache folder. */
  readonly cache?: string | null | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Whether the untrained network and raw pixels are measured too; default false. */
  readonly baselines?: boolean | undefined;
  /** Told of all passes together. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Told what a reader may want to know while it goes on. */
  readonly say?: ((line: string) => void) | undefined;
}

export interface CheckpointKnn extends Omit<KnnResult, "features"> {
  readonly checkpoint: string;
  readonly network: NetworkName;
  readonly device: string;
  readonly precision: string;
  readonly size: ViewSize;
  readonly temperature: number;
  readonly protocol: "held out" | "leave one out";
  /** One for each feature, in the order asked for. */
  readonly features: readonly MeasuredFeature[];
  /** None unless they were asked for. */
  readonly baselines: readonly KnnBaseline[];
}

export interface MeasuredFeature {
  readonly feature: Feature;
  /** One for each k. */
  readonly scores: readonly CheckpointScore[];
}

export interface CheckpointScore extends NeighbourScore {
  /** 95 % bootstrap interval of top-1. */
  readonly interval: Interval;
}

/** Features to be judged. */
export interface KnnSubject {
  readonly embedder: Embedder;
  readonly size: ViewSize;
  readonly computedBy: FeatureCacheOptions["computedBy"];
}

/** Throws DataError for folders that cannot be judged, RunError and ArgumentError as `openCheckpointEncoder` does. */
export async function evaluateCheckpointKnn(options: CheckpointKnnOptions): Promise<CheckpointKnn> {
  const train = await openImageSource(options.train, "class-folders");
  const heldOut = options.val === undefined ? null : await openImageSource(options.val, "class-folders");
  const opened = await openCheckpointEncoder(options);
  await using encoder = opened.encoder;
  const { device, precision, network } = opened.options;
  const size = evaluationSize(options, encoder.model);
  const workers = await viewWorkers(options.workers, device);
  const place = { train, heldOut, workers, device, options };
  const embedder = encoderEmbedder(encoder, options.features ?? ["cls"], size.crop);
  const result = await judged(place, { embedder, size, computedBy: opened.options }, 0);
  const measured = measuredFeatures(result);
  const { baselines, remarks } = await heldAgainst();
  return {
    checkpoint: opened.source.path,
    network,
    device,
    precision,
    size,
    temperature: temperatureOf(options),
    protocol: heldOut === null ? "leave one out" : "held out",
    ...result,
    features: measured,
    baselines,
    remarks: [...opened.source.remarks, ...result.remarks, ...remarks],
  };

  async function heldAgainst(): ReturnType<typeof knnBaselines> {
    if (options.baselines !== true) return { baselines: [], remarks: [] };
    const images = train.count + (heldOut?.count ?? 0);
    const measure = async (subject: KnnSubject, pass: number) =>
      measuredFeatures(await judged(place, subject, pass));
    return knnBaselines({ opened, size, measured, images, measure });
  }
}

/** What all passes of an evaluation share. */
interface Place {
  readonly train: ImageSource;
  readonly heldOut: ImageSource | null;
  readonly workers: number;
  readonly device: string;
  readonly options: CheckpointKnnOptions;
}

/** `pass` counts from 0. */
async function judged(
  { options, ...place }: Place,
  { embedder, size, computedBy }: KnnSubject,
  pass: number,
): Promise<KnnResult> {
  const { cache, say, signal } = options;
  const passes = options.baselines === true ? 1 + BASELINE_PASSES : 1;
  return evaluateKnn({
    ...place,
    embedder,
    resizeTo: size.resizeTo,
    cropSize: size.crop,
    neighbours: options.neighbours ?? [10, 20, 100, 200],
    temperature: temperatureOf(options),
    batchSize: options.batchSize ?? 64,
    cache: cache === null ? undefined : await openFeatureCache({ folder: cache, computedBy, say }),
    signal,
    onProgress: (done, total) => options.onProgress?.(pass * total + done, passes * total),
  });
}

function temperatureOf({ temperature = 0.07 }: CheckpointKnnOptions): number {
  return temperature;
}

function measuredFeatures({ features, heldOutImages, trainImages }: KnnResult): readonly MeasuredFeature[] {
  const images = heldOutImages ?? trainImages;
  const measured = (score: NeighbourScore) => ({ ...score, interval: interval(score.top1, images) });
  return features.map(({ feature, scores }) => ({ feature, scores: scores.map(measured) }));
}

/** Which images were right does not matter to the bootstrap, only how many. */
function interval(top1: number, images: number): Interval {
  const hits = new Uint8Array(images).fill(1, 0, Math.round(top1 * images));
  return accuracyInterval(hits, 0);
}
