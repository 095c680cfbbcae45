/** The threads that decode and render. */
import { wholeNumber } from "./argument-checks.js";
import { delegateNow } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";

/** More threads than any machine has use for. */
const MOST_THREADS = 1024;

/**
 * How many threads of the process decode and render, together; all cores where this was never called. Work under way ends
 * on the threads that it began on. Views are the same for any number.
 */
export function setViewThreads(count: number): void {
  const threads = wholeNumber("count", count, 1, MOST_THREADS);
  delegateNow(() => engineAddon().setViewThreads(threads));
}
