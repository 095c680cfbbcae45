/** A random stream that gives recorded draws back, and checks that exactly those are asked for. */
import { expect } from "vitest";
import type { RandomStream } from "../../ts/random.js";

/** `randint` counts its upper bound in. */
export type RecordedDraw = readonly [kind: "uniform" | "randint", low: number, high: number, value: number];

export interface RecordedStream extends RandomStream {
  /** How many draws have not been asked for. */
  left(): number;
}

export function recordedStream(draws: readonly RecordedDraw[]): RecordedStream {
  let next = 0;
  const take = (kind: RecordedDraw[0], low: number, high: number): number => {
    const draw = draws[next++];
    expect(draw?.[0], `kind of draw ${next}`).toBe(kind);
    expect(draw?.[1], `lower bound of draw ${next}`).toBeCloseTo(low, 12);
    expect(draw?.[2], `upper bound of draw ${next}`).toBeCloseTo(high, 12);
    return draw?.[3] ?? Number.NaN;
  };
  const unrecorded = (): never => {
    throw new Error("only uniform and randint draws were recorded");
  };
  return {
    uniform: (low, high) => take("uniform", low, high),
    integer: (low, high) => take("randint", low, high - 1),
    chance: unrecorded,
    permutation: unrecorded,
    left: () => draws.length - next,
  };
}
