/** Long work of JavaScript's thread, cut so that the event loop turns in between. */
import { setImmediate as nextTurn } from "node:timers/promises";

/** Calls `work(from, to)` for all of 0 to `count`, with a turn of the event loop after every `slice`. */
export async function inSlices(
  count: number,
  slice: number,
  work: (from: number, to: number) => void,
): Promise<void> {
  for (let from = 0; from < count; from += slice) {
    if (from > 0) await nextTurn();
    work(from, Math.min(count, from + slice));
  }
}
