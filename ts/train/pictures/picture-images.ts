/** Training images that pictures show, and those among which each finds its neighbours: a function of the seed. */
import type { ImageSource } from "../../dataset/image-source.js";
import { DataError } from "../../errors.js";
import type { ViewSize } from "../../evaluate/view-size.js";
import { renderEvaluationViews } from "../../native/engine.js";
import { randomStream } from "../../random.js";
import type { ImageLimits } from "../../views/read-image.js";
import { type SampleBatch, sampleBatches } from "../../views/sample-batches.js";

export interface PictureImages {
  readonly source: ImageSource;
  /** torchvision's Resize and CenterCrop. */
  readonly size: ViewSize;
  readonly batchSize: number;
  readonly workers: number;
  readonly limits: ImageLimits;
  /** Once aborted, reading ends with its reason. */
  readonly signal: AbortSignal | undefined;
}

/** A training image as the network gets it. */
export interface SampleView {
  readonly sample: number;
  /** `[3, side, side]` */
  readonly planes: Uint8Array;
}

/** Different samples of `count`, at most `wanted`; the first ones are the same whatever is wanted. */
export function chosenSamples(seed: number, count: number, wanted: number): number[] {
  const stream = randomStream(seed, "pictures");
  const chosen = new Set<number>();
  while (chosen.size < Math.min(wanted, count)) chosen.add(stream.integer(0, count));
  return [...chosen];
}

/** Batch by batch, in the order of the samples; without those that cannot be decoded. */
export async function* viewBatches(
  images: PictureImages,
  samples: readonly number[],
  batchSize: number,
): AsyncGenerator<SampleBatch> {
  const { size, signal } = images;
  const view = (image: Parameters<typeof renderEvaluationViews>[0][number]) =>
    renderEvaluationViews([image], size);
  for await (const batch of sampleBatches({ ...images, batchSize, samples, view })) {
    signal?.throwIfAborted();
    if (batch.samples.length > 0) yield batch;
  }
}

/** The first `wanted` of the samples that can be decoded. Throws DataError where none can. */
export async function firstViews(
  images: PictureImages,
  samples: readonly number[],
  wanted: number,
): Promise<SampleView[]> {
  const views: SampleView[] = [];
  for await (const batch of viewBatches(images, samples, wanted)) {
    views.push(...viewsOf(batch));
    if (views.length >= wanted) break;
  }
  if (views.length > 0) return views.slice(0, wanted);
  throw new DataError(`data ${images.source.root}: none of the images chosen for pictures can be decoded`);
}

function viewsOf({ samples, pixels }: SampleBatch): SampleView[] {
  const length = pixels.length / samples.length;
  return samples.map((sample, at) => ({ sample, planes: pixels.subarray(at * length, (at + 1) * length) }));
}
