/** L2-normalised features of all images of a source. */
import type { ImageSource } from "../dataset/image-source.js";
import { DataError, NativeError } from "../errors.js";
import { renderEvaluationViews } from "../native/engine.js";
import {
  type EvaluationBatchesRequest,
  evaluationBatches,
  type SkippedFile,
} from "../views/evaluation-batches.js";
import type { ImageLimits } from "../views/read-image.js";
import type { Embedder } from "./embedder.js";
import type { ViewSize } from "./view-size.js";

/** Features of one kind. */
export interface FeatureRows {
  /** `[images, width]`, each row of L2 norm 1. */
  readonly rows: Float32Array;
  readonly width: number;
}

export interface FeatureTable {
  /** One for each feature of the embedder, in its order. */
  readonly features: readonly FeatureRows[];
  /** Index in the source of each row's image. */
  readonly samples: readonly number[];
  /** Files that could not be decoded and have no row. */
  readonly skipped: readonly SkippedFile[];
}

export interface FeatureRequest {
  readonly source: ImageSource;
  /** torchvision's Resize and CenterCrop. */
  readonly size: ViewSize;
  readonly batchSize: number;
  /** Threads that decode and render. */
  readonly workers: number;
  /** Default: those of the configuration. */
  readonly limits?: ImageLimits | undefined;
  readonly embedder: Pick<Embedder, "embed">;
  /** Default: the native executor. */
  readonly render?: EvaluationBatchesRequest["render"];
  /** Once aborted, the batch in progress is finished and the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of images done. */
  readonly onProgress?: ((done: number) => void) | undefined;
}

/** Features of one batch. */
export interface FeatureBatch {
  /** Index in the source of each row's image. */
  readonly samples: readonly number[];
  /** `[samples.length, width]` for each feature, as the network gives them. */
  readonly features: readonly Float32Array[];
  readonly skipped: readonly SkippedFile[];
}

/** Batch by batch, in the order of the source; a batch without a readable image has no features. */
export async function* featureBatches(request: FeatureRequest): AsyncGenerator<FeatureBatch> {
  const { source, embedder, onProgress, render = renderEvaluationViews } = request;
  let done = 0;
  for await (const { samples, pixels, skipped } of evaluationBatches({ ...request, render })) {
    const features = samples.length > 0 ? await embedder.embed(samples.length, pixels) : [];
    for (const values of features) requireFinite(values, source, samples);
    yield { samples, features, skipped };
    done += samples.length + skipped.length;
    onProgress?.(done);
    request.signal?.throwIfAborted();
  }
}

/** Throws DataError where no image of the source can be decoded, NativeError where a feature is not finite. */
export async function sourceFeatures(request: FeatureRequest): Promise<FeatureTable> {
  const { source } = request;
  const [samples, skipped]: [number[], SkippedFile[]] = [[], []];
  let tables: FeatureRows[] = [];
  for await (const batch of featureBatches(request)) {
    if (batch.samples.length > 0 && tables.length === 0) {
      tables = batch.features.map((values) => emptyTable(source.count, values.length / batch.samples.length));
    }
    for (const [at, values] of batch.features.entries()) {
      const { rows, width } = tables[at] as FeatureRows;
      rows.set(normaliseRows(values, width), samples.length * width);
    }
    samples.push(...batch.samples);
    skipped.push(...batch.skipped);
  }
  if (samples.length === 0) throw unreadable(source, skipped);
  const whole = ({ rows, width }: FeatureRows) => ({ rows: rows.subarray(0, samples.length * width), width });
  return { features: tables.map(whole), samples, skipped };
}

/** Room for all images at once: 1.28 million of width 384 take 2 GB, which must not be held twice. */
function emptyTable(count: number, width: number): FeatureRows {
  return { rows: new Float32Array(count * width), width };
}

/** Divides each row, in place, by its L2 norm or by 1e-12 where that is larger. */
export function normaliseRows(rows: Float32Array, width: number): Float32Array {
  for (let start = 0; start < rows.length; start += width) {
    let squares = 0;
    for (let at = start; at < start + width; at++) squares += (rows[at] as number) ** 2;
    const norm = Math.max(Math.sqrt(squares), 1e-12);
    for (let at = start; at < start + width; at++) rows[at] = (rows[at] as number) / norm;
  }
  return rows;
}

function requireFinite(values: Float32Array, source: ImageSource, samples: readonly number[]): void {
  const at = values.findIndex((value) => !Number.isFinite(value));
  if (at < 0) return;
  const row = Math.floor((at * samples.length) / values.length);
  const file = source.name(samples[row] as number);
  throw new NativeError(`features: expected finite numbers, received ${values[at]} for ${file}`, {
    hint: "use --precision fp32 or bf16; if it stays, the weights are those of a run that diverged",
  });
}

/** None of a source's images can be decoded. */
export function unreadable(source: ImageSource, skipped: readonly SkippedFile[]): DataError {
  const [first] = skipped;
  return new DataError(
    `data ${source.root}: none of its ${source.count} images can be decoded, the first is ${first?.file}: ${first?.reason}`,
    { hint: "look at some of these files with another program" },
  );
}
