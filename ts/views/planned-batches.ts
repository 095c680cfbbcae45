/** Which samples make up which batch, from any position of a run on. */
import { batchesPerEpoch } from "../dataset/epoch-order.js";
import type { ImageSource } from "../dataset/image-source.js";
import { ArgumentError } from "../errors.js";

/** A place in a run; both counted from 0. */
export interface Position {
  readonly epoch: number;
  /** Batch within the epoch. The number of its batches means the start of the next epoch. */
  readonly index: number;
}

/** An image that is to be shown. */
export interface Draw {
  /** Its index in the source. */
  readonly sample: number;
  /** How often it was shown before in this epoch: 0, but for mixtures. */
  readonly repeat: number;
}

export interface PlannedBatch extends Position {
  readonly draws: readonly Draw[];
  /** All samples of the epoch. */
  readonly order: Uint32Array;
}

export interface BatchPlan {
  readonly source: Pick<ImageSource, "count" | "order">;
  readonly seed: number;
  readonly batchSize: number;
  readonly epochs: number;
  readonly from: Position;
}

/** An epoch's order is computed when its first batch is asked for. */
export function* plannedBatches({
  source,
  seed,
  batchSize,
  epochs,
  from,
}: BatchPlan): Generator<PlannedBatch> {
  const batches = batchesPerEpoch(source.count, batchSize);
  if (!(from.index >= 0 && from.index <= batches)) {
    throw new ArgumentError(`from.index: expected 0 to ${batches}, received ${from.index}`);
  }
  for (let epoch = from.epoch; epoch < epochs; epoch++) {
    const order = source.order(seed, epoch);
    const repeats = repeatsIn(order, source.count);
    for (let index = epoch === from.epoch ? from.index : 0; index < batches; index++) {
      yield { epoch, index, order, draws: drawsOf(order, repeats, index * batchSize, batchSize) };
    }
  }
}

function drawsOf(order: Uint32Array, repeats: Uint32Array, start: number, length: number): readonly Draw[] {
  const draw = (_: unknown, at: number): Draw => ({
    sample: order[start + at] as number,
    repeat: repeats[start + at] as number,
  });
  return Array.from({ length }, draw);
}

/** For each place how often its sample came before. */
function repeatsIn(order: Uint32Array, samples: number): Uint32Array {
  const seen = new Uint32Array(samples);
  return order.map((sample) => {
    const before = seen[sample] as number;
    seen[sample] = before + 1;
    return before;
  });
}
