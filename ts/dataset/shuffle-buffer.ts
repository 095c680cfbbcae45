/** The order in which a shuffle buffer gives samples that are read one after another, without reading any. */
import { randomStream } from "../random.js";

export interface ShuffledShards {
  /** For each shard the number of samples up to its last. */
  readonly ends: Uint32Array;
  /** Samples in the buffer. */
  readonly buffer: number;
  readonly seed: number;
  readonly epoch: number;
}

/**
 * Shards in an order drawn from (seed, epoch), their samples one after another into a buffer, from which each next one is
 * drawn: every sample once. A sample comes out, on average, `buffer` places after it was put in.
 */
export function shuffledShards({ ends, buffer, seed, epoch }: ShuffledShards): Uint32Array {
  const order = shardOrder(ends, seed, epoch);
  const random = randomStream(seed, "shuffle-buffer", epoch);
  const held = order.slice(0, Math.min(buffer, order.length));
  for (let at = 0; at < order.length; at++) {
    const filled = Math.min(held.length, order.length - at);
    const chosen = random.integer(0, filled);
    const following = at + held.length < order.length ? order[at + held.length] : held[filled - 1];
    order[at] = held[chosen] as number;
    held[chosen] = following as number;
  }
  return order;
}

/** All samples, shard by shard. */
function shardOrder(ends: Uint32Array, seed: number, epoch: number): Uint32Array {
  const samples = new Uint32Array(ends.at(-1) ?? 0);
  let at = 0;
  for (const shard of randomStream(seed, "shard-order", epoch).permutation(ends.length)) {
    const end = ends[shard] as number;
    for (let sample = shard === 0 ? 0 : (ends[shard - 1] as number); sample < end; sample++)
      samples[at++] = sample;
  }
  return samples;
}
