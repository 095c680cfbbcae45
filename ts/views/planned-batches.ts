/** Which samples make up which batch, from any position of a run on. */
import { batchesPerEpoch, epochOrder } from "../dataset/epoch-order.js";
import type { ImageSource } from "../dataset/image-source.js";
import { ArgumentError } from "../errors.js";

/** A place in a run; both counted from 0. */
export interface Position {
  readonly epoch: number;
  /** Batch within the epoch. The number of its batches means the start of the next epoch. */
  readonly index: number;
}

export interface PlannedBatch extends Position {
  /** Indices into the source. */
  readonly samples: Uint32Array;
}

export interface BatchPlan {
  readonly source: Pick<ImageSource, "count">;
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
    const order = epochOrder(source.count, seed, epoch);
    for (let index = epoch === from.epoch ? from.index : 0; index < batches; index++) {
      yield { epoch, index, samples: order.subarray(index * batchSize, (index + 1) * batchSize) };
    }
  }
}
