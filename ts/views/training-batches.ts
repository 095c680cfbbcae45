/** The stream of training batches: images decoded side by side, views rendered, a few batches ahead of the step. */
import type { ImageSource } from "../dataset/image-source.js";
import { ArgumentError, DataError } from "../errors.js";
import type { ViewBatch, ViewFilling } from "../native/engine.js";
import type { BatchShape } from "../native/types.js";
import type { MultiCropOptions } from "../recipe/multi-crop.js";
import { imageQueue } from "./decode-queue.js";
import { memoryRoom } from "./decoded-memory.js";
import { heldBack } from "./held-back.js";
import { type PartSeconds, secondsSum } from "./part-seconds.js";
import { type PlannedBatch, type Position, plannedBatches } from "./planned-batches.js";
import { prepareSample, type SampleRequest, type SkippedSample } from "./prepare-sample.js";
import type { ImageLimits } from "./read-image.js";

export interface TrainingBatch extends Position {
  /** Native memory; whoever receives the batch disposes of it. */
  readonly views: ViewBatch;
  /** Files that could not be decoded and were replaced by other images. */
  readonly skipped: readonly SkippedSample[];
  /** Time that passed in each part of the work, summed over the images. */
  readonly seconds: PartSeconds;
}

/** Takes memory for a batch that is rendered image by image. */
export type OpenBatch = (shape: BatchShape) => ViewFilling;

export interface TrainingBatchesRequest {
  readonly source: ImageSource;
  readonly crops: MultiCropOptions;
  readonly seed: number;
  readonly batchSize: number;
  /** Number of epochs of the whole run. */
  readonly epochs: number;
  /** The first batch to give. */
  readonly from: Position;
  /** Threads that decode and render. */
  readonly workers: number;
  /** Batches prepared or in preparation beyond the one last given. */
  readonly prefetchBatches: number;
  readonly limits: ImageLimits;
  readonly openBatch: OpenBatch;
}

/**
 * All batches from a position to the end of the last epoch. Each is a function of (seed, epoch, index) alone, however
 * many workers there are and wherever the stream began. A file that cannot be decoded does not end the stream. An image is
 * rendered as soon as it is decoded, and its pixels are freed: memory is that of the batches ahead and of the images in work.
 * When the consumer stops early, the stream ends only after all work has ended and all batches made ahead are disposed of.
 */
export async function* trainingBatches(request: TrainingBatchesRequest): AsyncGenerator<TrainingBatch> {
  check(request);
  const stop = new AbortController();
  const prepare = preparation(request, stop.signal);
  const plan = plannedBatches(request);
  const ahead: Promise<TrainingBatch>[] = [];
  const fill = (length: number) => {
    while (ahead.length < length) {
      const next = plan.next();
      if (next.done) return;
      ahead.push(heldBack(prepare(next.value)));
    }
  };
  try {
    for (fill(Math.max(1, request.prefetchBatches)); ahead[0] !== undefined; fill(1)) {
      const batch = await ahead[0];
      ahead.shift();
      fill(request.prefetchBatches);
      yield batch;
    }
  } finally {
    stop.abort();
    await disposeAll(ahead);
  }
}

function preparation(
  { source, crops, seed, workers, batchSize, limits, openBatch }: TrainingBatchesRequest,
  signal: AbortSignal,
): (planned: PlannedBatch) => Promise<TrainingBatch> {
  const inWork = imageQueue(workers, signal);
  const { globalSize, localCrops, localSize } = crops;
  const shape = { images: batchSize, globalSize, localCrops, localSize };
  const { maxPixels, decodedBytes } = limits;
  const sample = { source, crops, seed, limits: { maxPixels, room: memoryRoom(decodedBytes) } };
  return async ({ epoch, index, draws, order }) => {
    using filling = openBatch(shape);
    const placed = await allOf(
      draws.map((draw, place) =>
        inWork(() => placeSample(filling, place, { ...sample, epoch, draw, order })),
      ),
    );
    const views = await filling.finish();
    const skipped = placed.flatMap((one) => one.skipped);
    return { epoch, index, views, skipped, seconds: secondsSum(placed.map((one) => one.seconds)) };
  };
}

/** Reads, decodes and renders one image into its place. */
async function placeSample(filling: ViewFilling, place: number, request: SampleRequest) {
  using prepared = await prepareSample(request);
  const began = performance.now();
  await filling.fill(place, prepared.image, prepared.recipe);
  const render = (performance.now() - began) / 1000;
  return { skipped: prepared.skipped, seconds: { ...prepared.seconds, render } };
}

/** Like Promise.all, but a failure waits for the others to end: nothing is left running. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

async function disposeAll(ahead: readonly Promise<TrainingBatch>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(ahead)) {
    if (outcome.status === "fulfilled") outcome.value.views[Symbol.dispose]();
  }
}

function check(request: TrainingBatchesRequest): void {
  const { source, batchSize, workers } = request;
  for (const [name, value] of Object.entries({ batchSize, workers })) {
    if (Number.isInteger(value) && value > 0) continue;
    throw new ArgumentError(`${name}: expected a whole number of at least 1, received ${value}`);
  }
  if (batchSize <= source.count) return;
  throw new DataError(
    `batch size ${batchSize}: expected at most the ${source.count} images of ${source.root}`,
    {
      hint: "make the batch smaller, or add images",
    },
  );
}
