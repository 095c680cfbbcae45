/** Views of chosen samples of a source, one view an image, one batch ahead of their consumer. */
import type { ImageSource } from "../dataset/image-source.js";
import type { DecodedImage } from "../native/types.js";
import { DecodeError } from "./decode-error.js";
import { imageQueue, type Queue } from "./decode-queue.js";
import { heldBack } from "./held-back.js";
import { type ImageLimits, type ReadLimits, readImage, readLimits } from "./read-image.js";

export interface SampleBatch {
  /** Indices of the images in the source. */
  readonly samples: readonly number[];
  /** `[samples.length, 3, side, side]`, RGB 0-255. */
  readonly pixels: Uint8Array;
  /** Files that could not be decoded; they are in no batch. */
  readonly skipped: readonly SkippedFile[];
}

export interface SkippedFile {
  readonly file: string;
  readonly reason: string;
}

export interface SampleBatchesRequest {
  readonly source: ImageSource;
  /** Indices of the images in the source, in the order in which they are wanted. */
  readonly samples: ArrayLike<number>;
  readonly batchSize: number;
  /** Threads that decode and render. */
  readonly workers: number;
  /** Default: those of the configuration. */
  readonly limits?: ImageLimits | undefined;
  /** `[3, side, side]`, RGB 0-255: all views of a stream have the same side. */
  readonly view: (image: DecodedImage, sample: number) => Promise<Uint8Array>;
}

/** Batches may be smaller than `batchSize`, by files that could not be decoded; `samples` of a batch may be empty. */
export async function* sampleBatches(request: SampleBatchesRequest): AsyncGenerator<SampleBatch> {
  const { batchSize, workers } = request;
  const samples = Array.from(request.samples);
  const work = { inWork: imageQueue(workers), limits: readLimits(request.limits) };
  const batch = (start: number) => heldBack(prepare(request, work, samples.slice(start, start + batchSize)));
  let next = batch(0);
  try {
    for (let start = 0; start < samples.length; start += batchSize) {
      const ready = await next;
      if (start + batchSize < samples.length) next = batch(start + batchSize);
      yield ready;
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
  request: SampleBatchesRequest,
  { inWork, limits }: Work,
  samples: readonly number[],
): Promise<SampleBatch> {
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
  { source, view }: SampleBatchesRequest,
  limits: ReadLimits,
  sample: number,
): Promise<Shown | SkippedFile> {
  try {
    using held = await readImage(source, sample, limits);
    return { sample, view: await view(held.image, sample) };
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
