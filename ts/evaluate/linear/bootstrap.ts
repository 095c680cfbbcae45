/** How far an accuracy may be off by the choice of the test images. */
import { randomStream } from "../../random.js";

export type Interval = readonly [low: number, high: number];

const RESAMPLES = 1000;

/** Percentile bootstrap, 95 %: the accuracies of test sets of the same size drawn from these images with replacement. */
export function accuracyInterval(hits: ArrayLike<number>, seed: number): Interval {
  const random = randomStream(seed, "linear-bootstrap");
  const count = hits.length;
  const shares = Float64Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let draw = 0; draw < count; draw++) sum += hits[random.integer(0, count)] as number;
    return sum / count;
  }).sort();
  return [percentile(shares, 0.025), percentile(shares, 0.975)];
}

/** Linear between the two nearest. */
function percentile(sorted: Float64Array, share: number): number {
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}
