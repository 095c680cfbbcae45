/** Measures time: how long the loop waits for its batches, how long a checkpoint is ago. */

/** A watch that runs from its making or its last restart. */
export class Minutes {
  #start = performance.now();

  get minutes(): number {
    return secondsSince(this.#start) / 60;
  }

  restart(): void {
    this.#start = performance.now();
  }
}

export interface Waited<T> {
  readonly value: T;
  /** For which nothing was done but wait for the value: since it was asked for, or since the work ended if that was later. */
  readonly waitSeconds: number;
}

/**
 * Ends once the signal is aborted; ends the source when the loop is left. `busyUntil`: until when work goes on beside the loop,
 * by `performance.now()`; Infinity: it goes on now.
 */
export async function* withWaits<T>(
  source: AsyncIterable<T>,
  signal?: AbortSignal,
  busyUntil: () => number = () => 0,
): AsyncGenerator<Waited<T>> {
  if (signal?.aborted) return;
  let asked = performance.now();
  for await (const value of source) {
    yield { value, waitSeconds: Math.max(0, secondsSince(Math.max(asked, busyUntil()))) };
    if (signal?.aborted) return;
    asked = performance.now();
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
