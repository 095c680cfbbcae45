/** The stream of training batches: images decoded side by side, views rendered, a few batches ahead of the step. */
import type { ImageSource } from "../dataset/image-source.js";
import { ArgumentError, DataError } from "../errors.js";
import type { RenderViews, ViewBatch } from "../native/engine.js";
import type { MultiCropOptions } from "../recipe/multi-crop.js";
import { queue } from "./decode-queue.js";
import { heldBack } from "./held-back.js";
import { type PlannedBatch, type Position, plannedBatches } from "./planned-batches.js";
import { prepareSample, type SkippedSample } from "./prepare-sample.js";

export interface TrainingBatch extends Position {
  /** Native memory; whoever receives the batch disposes of it. */
  readonly views: ViewBatch;
  /** Files that could not be decoded and were replaced by other images. */
  readonly skipped: readonly SkippedSample[];
}

export interface TrainingBatchesRequest {
  readonly source: ImageSource;
  readonly crops: MultiCropOptions;
  readonly seed: number;
  readonly batchSize: number;
  /** Number of epochs of the whole run. */
  readonly epochs: number;
  /** The first batch to give. */
  readonly from: Position;
  /** Images decoded at once. */
  readonly workers: number;
  /** Batches prepared or in preparation beyond the one last given. */
  readonly prefetchBatches: number;
  readonly render: RenderViews;
}

/**
 * All batches from a position to the end of the last epoch. Each is a function of (seed, epoch, index) alone, however
 * many workers there are and wherever the stream began. A file that cannot be decoded does not end the stream. When the
 * consumer stops early, the stream ends only after all work has ended and all batches made ahead are disposed of.
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
  { source, crops, seed, workers, batchSize, render }: TrainingBatchesRequest,
  signal: AbortSignal,
): (planned: PlannedBatch) => Promise<TrainingBatch> {
  const decoding = queue(workers, signal);
  const { globalSize, localCrops, localSize } = crops;
  const shape = { images: batchSize, globalSize, localCrops, localSize };
  return async ({ epoch, index, samples }) => {
    const preparing = Array.from(samples, (sample) =>
      decoding(() => prepareSample({ source, crops, seed, epoch, sample })),
    );
    const prepared = await allOf(preparing);
    const images = prepared.map(({ image }) => image);
    const recipes = prepared.map(({ recipe }) => recipe);
    signal.throwIfAborted();
    const views = await render(shape, images, recipes);
    return { epoch, index, views, skipped: prepared.flatMap(({ skipped }) => skipped) };
  };
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
