/** Measures how long the loop waits for its batches. */

export interface Waited<T> {
  readonly value: T;
  /** From the end of the loop's last turn until the value was there. */
  readonly waitSeconds: number;
}

/** Ends the source when the loop is left. */
export async function* withWaits<T>(source: AsyncIterable<T>): AsyncGenerator<Waited<T>> {
  let idleSince = performance.now();
  for await (const value of source) {
    yield { value, waitSeconds: secondsSince(idleSince) };
    idleSince = performance.now();
  }
}

function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}
