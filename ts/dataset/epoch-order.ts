/** Which images an epoch shows, and in which order. */
import { randomStream } from "../random.js";

/** A uniformly random order of all samples: a function of (seed, epoch) alone. */
export function epochOrder(samples: number, seed: number, epoch: number): Uint32Array {
  return randomStream(seed, "epoch-order", epoch).permutation(samples);
}

/** Whole batches of an epoch; what does not fill a batch is left out, as in the reference. */
export function batchesPerEpoch(samples: number, batchSize: number): number {
  return Math.floor(samples / batchSize);
}
