/** Checks of probabilities on many draws of fixed seeds. */
import { expect } from "vitest";

/** The share of `hits` in `draws` is what a probability of `expected` gives: within four standard deviations. */
export function expectShare(hits: number, draws: number, expected: number): void {
  const deviation = Math.sqrt((expected * (1 - expected)) / draws);
  expect(Math.abs(hits / draws - expected)).toBeLessThanOrEqual(4 * deviation);
}

/** All of `values` possible outcomes come equally often. */
export function expectEven(outcomes: readonly number[], values: number): void {
  const counts = new Array<number>(values).fill(0);
  for (const outcome of outcomes) counts[outcome] = (counts[outcome] ?? Number.NaN) + 1;
  for (const count of counts) expectShare(count, outcomes.length, 1 / values);
}
