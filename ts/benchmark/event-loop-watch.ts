/** How long the event loop is held up. */
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";

/** Milliseconds between two looks; a block is known to within one. */
const RESOLUTION = 1;

export class EventLoopWatch implements Disposable {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION });

  constructor() {
    this.#histogram.enable();
  }

  /** Forgets what was seen. */
  reset(): void {
    this.#histogram.reset();
  }

  /** Milliseconds that the longest block took. */
  longestBlock(): number {
    return Math.max(0, this.#histogram.max / 1e6 - RESOLUTION);
  }

  [Symbol.dispose](): void {
    this.#histogram.disable();
  }
}
