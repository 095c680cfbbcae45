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
  /** From the end of the loop's last turn until the value was there. */
  readonly waitSeconds: number;
}

/** Ends once the signal is aborted; ends the source when the loop is left. */
export async function* withWaits<T>(
  source: AsyncIterable<T>,
  signal?: AbortSignal,
): AsyncGenerator<Waited<T>> {
  if (signal?.aborted) return;
  let idleSince = performance.now();
  for await (const value of source) {
    yield { value, waitSeconds: secondsSince(idleSince) };
    if (signal?.aborted) return;
    idleSince = performance.now();
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
