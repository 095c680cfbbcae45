/** What the collapse watch looks at: a few training images in two views each, the same ones every time. */
import type { ResolvedConfig } from "../config/resolved.js";
import type { ImageSource } from "../dataset/image-source.js";
import { openViewBatch, type ViewBatch } from "../native/engine.js";
import { randomStream } from "../random.js";
import { imageLimits } from "../views/read-image.js";
import { type TrainingBatch, trainingBatches } from "../views/training-batches.js";

/** Views that take no more than this are kept from one look to the next; decoding their images is most of a look's time. */
const MOST_KEPT_BYTES = 256e6;

export class WatchSample implements Disposable {
  readonly #config: ResolvedConfig;
  readonly #source: ImageSource;
  #kept: readonly ViewBatch[] | null = null;

  /** `source`: the images that are trained on. */
  constructor(config: ResolvedConfig, source: ImageSource) {
    this.#config = config;
    this.#source = source;
  }

  /** What one image's distributions differ from is those of others. */
  get isEnough(): boolean {
    return this.#source.count > 1;
  }

  /** The views of all images, which the receiver uses before it asks for more, and does not dispose of. */
  async *views(): AsyncGenerator<ViewBatch> {
    if (this.#kept !== null) return yield* this.#kept;
    const held: ViewBatch[] = [];
    let room = MOST_KEPT_BYTES;
    try {
      for await (const { views } of watchBatches(this.#config, this.#source)) {
        held.push(views);
        yield views;
        room -= views.bytes;
        if (room < 0) disposeAll(held.splice(0));
      }
      if (room >= 0) this.#kept = held.splice(0);
    } finally {
      disposeAll(held);
    }
  }

  [Symbol.dispose](): void {
    disposeAll(this.#kept ?? []);
    this.#kept = null;
  }
}

function disposeAll(batches: readonly ViewBatch[]): void {
  for (const views of batches) views[Symbol.dispose]();
}

/**
 * Batches of global views, made as those of training: a function of the seed alone. An image that cannot be decoded is
 * replaced by another of the sample.
 */
function watchBatches(config: ResolvedConfig, source: ImageSource): AsyncGenerator<TrainingBatch> {
  const { seed, crops, data, evaluate, training } = config;
  const { batchSize, count } = evenBatches(Math.min(evaluate.watch.images, source.count), training.batchSize);
  return trainingBatches({
    source: chosenImages(source, seed, count),
    crops: { ...crops, localCrops: 0, includePatch: false },
    seed: randomStream(seed, "watch", "views").integer(0, Number.MAX_SAFE_INTEGER),
    batchSize,
    epochs: 1,
    from: { epoch: 0, index: 0 },
    workers: data.workers,
    prefetchBatches: data.prefetchBatches,
    limits: imageLimits(data),
    openBatch: (shape) => openViewBatch(shape, crops.executor),
  });
}

/** Batches of one size, no larger than `largest`, that leave out as few of `images` as there are batches, less one. */
export function evenBatches(images: number, largest: number): { batchSize: number; count: number } {
  const batches = Math.ceil(images / largest);
  const batchSize = Math.floor(images / batches);
  return { batchSize, count: batchSize * batches };
}

/** `count` images of a source as a source of their own. */
export function chosenImages(source: ImageSource, seed: number, count: number): ImageSource {
  const chosen = choose(source.count, seed, count);
  const of = (index: number) => chosen[index] as number;
  return {
    kind: source.kind,
    root: source.root,
    count,
    classes: source.classes,
    arrangement: source.arrangement,
    name: (index) => source.name(of(index)),
    key: (index) => source.key(of(index)),
    label: (index) => source.label(of(index)),
    read: (index) => source.read(of(index)),
    order: () => Uint32Array.from({ length: count }, (_, index) => index),
  };
}

/** Different numbers below `total`, each as likely as any other, ascending (Floyd's algorithm: no table of all of them). */
function choose(total: number, seed: number, count: number): Uint32Array {
  const random = randomStream(seed, "watch", "images");
  const chosen = new Set<number>();
  for (let last = total - count; last < total; last++) {
    const drawn = random.integer(0, last + 1);
    chosen.add(chosen.has(drawn) ? last : drawn);
  }
  return Uint32Array.from(chosen).sort();
}
