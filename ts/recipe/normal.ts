/** The normal distribution, by Box and Muller's formula. */
import type { RandomStream } from "../random.js";

export interface NormalRange {
  readonly mean: number;
  readonly deviation: number;
}

export function normal({ mean, deviation }: NormalRange, random: RandomStream): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.uniform(0, 1)));
  return mean + deviation * radius * Math.cos(2 * Math.PI * random.uniform(0, 1));
}
