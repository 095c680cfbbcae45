/** The stream of a source's images in order, resized and cropped for evaluation, one batch ahead of its consumer. */
import type { ImageSource } from "../dataset/image-source.js";
import type { DecodedImage } from "../native/types.js";
import { decodeImage } from "./decode.js";
import { DecodeError } from "./decode-error.js";
import { type Queue, queue } from "./decode-queue.js";
import { heldBack } from "./held-back.js";

export interface EvaluationBatch {
  /** Indices of the images in the source. */
  readonly samples: readonly number[];
  /** `[samples.length, 3, crop, crop]`, RGB 0-255. */
  readonly pixels: Uint8Array;
  /** Files that could not be decoded; they are in no batch. */
  readonly skipped: readonly SkippedFile[];
}

export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
}

export interface EvaluationBatchesRequest {
  readonly source: ImageSource;
  readonly batchSize: number;
  /** Images decoded at once. */
  readonly workers: number;
  /** torchvision's Resize and CenterCrop. */
  readonly size: { readonly resizeTo: number; readonly crop: number };
  readonly render: (
    images: readonly DecodedImage[],
    size: EvaluationBatchesRequest["size"],
  ) => Promise<Uint8Array>;
}

/** Batches may be smaller than `batchSize`, by files that could not be decoded; `samples` may be empty. */
export async function* evaluationBatches(request: EvaluationBatchesRequest): AsyncGenerator<EvaluationBatch> {
  const decoding = queue(request.workers);
  let next = heldBack(prepare(request, decoding, 0));
  try {
    for (let start = 0; start < request.source.count; start += request.batchSize) {
      const batch = await next;
      const following = start + request.batchSize;
      if (following < request.source.count) next = heldBack(prepare(request, decoding, following));
      yield batch;
    }
  } finally {
    await next.catch(() => {});
  }
}

async function prepare(
  { source, batchSize, size, render }: EvaluationBatchesRequest,
  decoding: Queue,
  start: number,
): Promise<EvaluationBatch> {
  const numbers = Array.from({ length: Math.min(batchSize, source.count - start) }, (_, at) => start + at);
  const decoded = await Promise.all(
    numbers.map((sample) => decoding(() => decodeOrSkip(source.file(sample)))),
  );
  const images = decoded.filter((outcome) => "pixels" in outcome);
  const samples = numbers.filter((_, at) => "pixels" in (decoded[at] as object));
  const pixels = images.length > 0 ? await render(images, size) : new Uint8Array(0);
  return { samples, pixels, skipped: decoded.filter((outcome) => "reason" in outcome) };
}

async function decodeOrSkip(file: string): Promise<DecodedImage | SkippedFile> {
  try {
    return await decodeImage(file);
  } catch (error) {
    if (error instanceof DecodeError) return { file, reason: error.reason };
    throw error;
  }
}
