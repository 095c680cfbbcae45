/** The stream of a source's images in order, resized and cropped for evaluation, one batch ahead of its consumer. */
import type { ImageSource } from "../dataset/image-source.js";
import type { DecodedImage } from "../native/types.js";
import { DecodeError } from "./decode-error.js";
import { imageQueue, type Queue } from "./decode-queue.js";
import { heldBack } from "./held-back.js";
import { type ImageLimits, type ReadLimits, readImage, readLimits } from "./read-image.js";

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
  /** Threads that decode and render. */
  readonly workers: number;
  /** Default: those of the configuration. */
  readonly limits?: ImageLimits | undefined;
  /** torchvision's Resize and CenterCrop. */
  readonly size: { readonly resizeTo: number; readonly crop: number };
  readonly render: (
    images: readonly DecodedImage[],
    size: EvaluationBatchesRequest["size"],
  ) => Promise<Uint8Array>;
}

/** Batches may be smaller than `batchSize`, by files that could not be decoded; `samples` may be empty. */
export async function* evaluationBatches(request: EvaluationBatchesRequest): AsyncGenerator<EvaluationBatch> {
  const work = { inWork: imageQueue(request.workers), limits: readLimits(request.limits) };
  let next = heldBack(prepare(request, work, 0));
  try {
    for (let start = 0; start < request.source.count; start += request.batchSize) {
      const batch = await next;
      const following = start + request.batchSize;
      if (following < request.source.count) next = heldBack(prepare(request, work, following));
      yield batch;
    }
  } finally {
    await next.catch(() => {});
  }
}

interface Work {
  readonly inWork: Queue;
  readonly limits: ReadLimits;
}

async function prepare(
  request: EvaluationBatchesRequest,
  { inWork, limits }: Work,
  start: number,
): Promise<EvaluationBatch> {
  const length = Math.min(request.batchSize, request.source.count - start);
  const samples = Array.from({ length }, (_, at) => start + at);
  const outcomes = await Promise.all(
    samples.map((sample) => inWork(() => viewOrSkip(request, limits, sample))),
  );
  const shown = outcomes.filter((outcome) => "view" in outcome);
  return {
    samples: shown.map(({ sample }) => sample),
    pixels: joined(shown.map(({ view }) => view)),
    skipped: outcomes.filter((outcome) => "reason" in outcome),
  };
}

interface Shown {
  readonly sample: number;
  readonly view: Uint8Array;
}

/** Each image is rendered as soon as it is decoded, so that decoded images do not pile up. */
async function viewOrSkip(
  { source, render, size }: EvaluationBatchesRequest,
  limits: ReadLimits,
  sample: number,
): Promise<Shown | SkippedFile> {
  try {
    using held = await readImage(source, sample, limits);
    return { sample, view: await render([held.image], size) };
  } catch (error) {
    if (error instanceof DecodeError) return { file: error.file, reason: error.reason };
    throw error;
  }
}

function joined(views: readonly Uint8Array[]): Uint8Array {
  const [first] = views;
  const pixels = new Uint8Array(views.length * (first?.length ?? 0));
  for (const [place, view] of views.entries()) pixels.set(view, place * view.length);
  return pixels;
}
