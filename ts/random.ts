/**
 * Random streams that carry no state from one use to the next: each is named by a seed and a path such as
 * (seed, "crops", epoch, sample), and the same name gives the same numbers whatever was drawn before, elsewhere or at
 * the same time. The name is hashed to the 128-bit state of a xoroshiro128+ generator.
 */
import { hash } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { ArgumentError, received } from "./errors.js";

/** A source of random numbers; each call moves it on. */
export interface RandomStream {
  /** Uniform in [low, high); `low` where both are equal. */
  uniform(low: number, high: number): number;
  /** Whole number in [low, high). */
  integer(low: number, high: number): number;
  /** True with probability p. */
  chance(p: number): boolean;
  /** A uniformly random order of 0 … n-1. */
  permutation(n: number): Uint32Array;
}

/**
 * The stream of this name. Numbers must be whole and at most 2^53 - 1 in size, so that no two names are written the
 * same way.
 */
export function randomStream(seed: number, ...path: readonly (number | string)[]): RandomStream {
  const generator = xoroshiro128plusFromState(stateOf([seed, ...path]));
  const unit = () => uniformFloat64(generator);
  const integer = (low: number, high: number) => uniformInt(generator, low, checkedEnd(low, high) - 1);
  return {
    uniform: (low, high) => within(low, high, low + (high - low) * unit()),
    integer,
    chance: (p) => unit() < p,
    permutation: (n) => shuffled(n, integer),
  };
}

function stateOf(name: readonly (number | string)[]): readonly number[] {
  for (const part of name) checkPart(part);
  const digest = hash("sha256", JSON.stringify(name), "buffer");
  return [0, 4, 8, 12].map((at) => digest.readInt32LE(at));
}

function checkPart(part: number | string): void {
  if (typeof part === "string" || Number.isSafeInteger(part)) return;
  throw new ArgumentError(`random stream: expected a whole number or a string, received ${received(part)}`);
}

function checkedEnd(low: number, high: number): number {
  if (Number.isSafeInteger(low) && Number.isSafeInteger(high) && low < high) return high;
  throw new ArgumentError(`integer in [low, high): expected low < high, received ${low} and ${high}`);
}

/** Rounding can lift a number just below `high` to `high` itself. */
function within(low: number, high: number, value: number): number {
  return value < high ? value : low;
}

/** Fisher and Yates' shuffle of 0 … n-1. */
function shuffled(n: number, integer: (low: number, high: number) => number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, index) => index);
  for (let last = n - 1; last > 0; last--) {
    const chosen = integer(0, last + 1);
    const kept = order[last] as number;
    order[last] = order[chosen] as number;
    order[chosen] = kept;
  }
  return order;
}
