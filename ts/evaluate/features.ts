/** L2-normalised features of all images of a source. */
import type { ImageSource } from "../dataset/image-source.js";
import { DataError } from "../errors.js";
import { renderEvaluationViews } from "../native/engine.js";
import {
  type EvaluationBatchesRequest,
  evaluationBatches,
  type SkippedFile,
} from "../views/evaluation-batches.js";
import type { ImageLimits } from "../views/read-image.js";

export interface FeatureTable {
  /** `[samples.length, width]`, each row of L2 norm 1. */
  readonly rows: Float32Array;
  readonly width: number;
  /** Index in the source of each row's image. */
  readonly samples: readonly number[];
  /** Files that could not be decoded and have no row. */
  readonly skipped: readonly SkippedFile[];
}

export interface FeatureRequest {
  readonly source: ImageSource;
  /** torchvision's Resize and CenterCrop, in pixels. */
  readonly size: { readonly resizeTo: number; readonly crop: number };
  readonly batchSize: number;
  /** Threads that decode and render. */
  readonly workers: number;
  readonly limits: ImageLimits;
  /** `[images, 3, crop, crop]` of bytes to `[images, width]`. */
  readonly embed: (images: number, pixels: Uint8Array) => Promise<Float32Array>;
  /** Default: the native executor. */
  readonly render?: EvaluationBatchesRequest["render"];
  /** Once aborted, the batch in progress is finished and the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of images done. */
  readonly onProgress?: (done: number) => void;
}

/** Throws DataError where no image of the source can be decoded. */
export async function sourceFeatures(request: FeatureRequest): Promise<FeatureTable> {
  const { source, embed, onProgress, render = renderEvaluationViews } = request;
  const [batches, samples, skipped]: [Float32Array[], number[], SkippedFile[]] = [[], [], []];
  for await (const batch of evaluationBatches({ ...request, render })) {
    if (batch.samples.length > 0) batches.push(await embed(batch.samples.length, batch.pixels));
    samples.push(...batch.samples);
    skipped.push(...batch.skipped);
    onProgress?.(samples.length + skipped.length);
    request.signal?.throwIfAborted();
  }
  if (samples.length === 0) throw unreadable(source, skipped);
  const rows = joined(batches);
  const width = rows.length / samples.length;
  return { rows: normaliseRows(rows, width), width, samples, skipped };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const whole = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Divides each row, in place, by its L2 norm or by 1e-12 where that is larger. */
export function normaliseRows(rows: Float32Array, width: number): Float32Array {
  for (let start = 0; start < rows.length; start += width) {
    const row = rows.subarray(start, start + width);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    row.set(row.map((value) => value / Math.max(norm, 1e-12)));
  }
  return rows;
}

function unreadable(source: ImageSource, skipped: readonly SkippedFile[]): DataError {
  const [first] = skipped;
  return new DataError(
    `data ${source.root}: none of its ${source.count} images can be decoded, the first is ${first?.file}: ${first?.reason}`,
    { hint: "look at some of these files with another program" },
  );
}
