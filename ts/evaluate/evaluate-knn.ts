/** k-NN of a checkpoint on folders of labelled images: what `udi-native evaluate knn` runs. */
import { chooseResizeTo } from "../config/choices.js";
import { openImageSource } from "../dataset/image-source.js";
import type { Feature } from "../native/encoder.js";
import type { NetworkName } from "../native/weights.js";
import { encoderEmbedder } from "./embedder.js";
import { openFeatureCache } from "./feature-cache.js";
import { evaluateKnn, type KnnResult } from "./knn.js";
import { type CheckpointEncoderOptions, openCheckpointEncoder } from "./open-encoder.js";
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
  /** Images of a batch; default 64. */
  readonly batchSize?: number | undefined;
  /** Images decoded at once; default "auto". */
  readonly workers?: number | "auto" | undefined;
  /** Where features are kept; null: nowhere. Default: the cache folder. */
  readonly cache?: string | null | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
  /** Told what a reader may want to know while it goes on. */
  readonly say?: ((line: string) => void) | undefined;
}

export interface CheckpointKnn extends KnnResult {
  readonly checkpoint: string;
  readonly network: NetworkName;
  readonly device: string;
  readonly precision: string;
  readonly size: { readonly resizeTo: number; readonly crop: number };
  readonly temperature: number;
  readonly protocol: "held out" | "leave one out";
}

/** Throws DataError for folders that cannot be judged, RunError and ArgumentError as `openCheckpointEncoder` does. */
export async function evaluateCheckpointKnn(options: CheckpointKnnOptions): Promise<CheckpointKnn> {
  const train = await openImageSource(options.train, "class-folders");
  const heldOut = options.val === undefined ? null : await openImageSource(options.val, "class-folders");
  const opened = await openCheckpointEncoder(options);
  await using encoder = opened.encoder;
  const { device, precision, network } = opened.options;
  const crop = options.size ?? encoder.model.imageSize;
  const resizeTo = chooseResizeTo(crop)[0];
  const temperature = options.temperature ?? 0.07;
  const { say, cache } = options;
  const result = await evaluateKnn({
    embedder: encoderEmbedder(encoder, options.features ?? ["cls"], crop),
    train,
    heldOut,
    resizeTo,
    cropSize: crop,
    neighbours: options.neighbours ?? [10, 20, 100, 200],
    temperature,
    batchSize: options.batchSize ?? 64,
    workers: await viewWorkers(options.workers, device),
    device,
    cache:
      cache === null ? undefined : await openFeatureCache({ folder: cache, encoder: opened.options, say }),
    signal: options.signal,
    onProgress: options.onProgress,
  });
  return {
    checkpoint: opened.source.path,
    network,
    device,
    precision,
    size: { resizeTo, crop },
    temperature,
    protocol: heldOut === null ? "leave one out" : "held out",
    ...result,
    remarks: [...opened.source.remarks, ...result.remarks],
  };
}
