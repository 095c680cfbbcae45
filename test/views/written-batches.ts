/** Batches that write down what they were given, in the place of rendering it. */
import type { ViewBatch } from "../../ts/native/engine.js";
import type { MultiCropOptions } from "../../ts/recipe/multi-crop.js";
import { PHOTOMETRIC_DEFAULTS } from "../../ts/recipe/photometric.js";
import {
  type OpenBatch,
  type TrainingBatch,
  type TrainingBatchesRequest,
  trainingBatches,
} from "../../ts/views/training-batches.js";

export const CROPS: MultiCropOptions = {
  globalSize: 16,
  globalScale: [0.3, 1],
  localSize: 8,
  localScale: [0.1, 0.3],
  localCrops: 2,
  patchSize: 4,
  globalWindow: 2,
  localWindow: 1,
  flipProbability: 0.5,
  includePatch: true,
  photometric: PHOTOMETRIC_DEFAULTS,
};

export const LIMITS = { maxPixels: 1e6, decodedBytes: 1e6 };

/** What a batch holds: for each image its first byte, its width and height and its recipe, as JSON. */
export interface Written extends ViewBatch {
  readonly text: string;
  readonly disposed: () => boolean;
}

export interface Writer {
  readonly openBatch: OpenBatch;
  /** Batches that were opened or finished, and not disposed of. */
  readonly alive: ReadonlySet<object>;
  readonly made: readonly Written[];
  /** Bytes of the pixels of the images that were being rendered at once, at most; and of the largest of them. */
  readonly most: { bytes: number; largest: number };
}

/** `delay`: awaited before an image is looked at. */
export function writer(delay: () => Promise<void> = async () => {}): Writer {
  const alive = new Set<object>();
  const made: Written[] = [];
  const most = { bytes: 0, largest: 0 };
  let bytes = 0;
  const openBatch: OpenBatch = (shape) => {
    const key = {};
    const written: unknown[] = new Array(shape.images).fill(null);
    let finished = false;
    alive.add(key);
    const dispose = () => void alive.delete(key);
    return {
      async fill(place, image, recipe) {
        const size = 3 * image.width * image.height;
        bytes += size;
        most.bytes = Math.max(most.bytes, bytes);
        most.largest = Math.max(most.largest, size);
        await delay();
        written[place] = [image.pixels[0], image.width, image.height, recipe];
        bytes -= size;
      },
      async finish() {
        finished = true;
        const text = JSON.stringify([shape, ...written]);
        const disposed = () => !alive.has(key);
        const views = { shape, bytes: text.length, text, disposed, [Symbol.dispose]: dispose } as Written;
        made.push(views);
        return views;
      },
      [Symbol.dispose]() {
        if (!finished) dispose();
      },
    };
  };
  return { openBatch, alive, made, most };
}

export function writtenRequest(
  changes: Pick<TrainingBatchesRequest, "source"> & Partial<TrainingBatchesRequest>,
): TrainingBatchesRequest {
  return {
    crops: CROPS,
    seed: 5,
    batchSize: 3,
    epochs: 2,
    from: { epoch: 0, index: 0 },
    workers: 2,
    prefetchBatches: 2,
    limits: LIMITS,
    openBatch: writer().openBatch,
    ...changes,
  };
}

export async function collected(request: TrainingBatchesRequest): Promise<TrainingBatch[]> {
  const batches: TrainingBatch[] = [];
  for await (const batch of trainingBatches(request)) batches.push(batch);
  return batches;
}

export function content({ epoch, index, views, skipped }: TrainingBatch): unknown {
  return { epoch, index, text: (views as Written).text, skipped };
}

/** The images of a batch as [first byte, width, height, recipe]. */
export function imagesOf({ views }: TrainingBatch): [number, number, number, unknown][] {
  return JSON.parse((views as Written).text).slice(1);
}
