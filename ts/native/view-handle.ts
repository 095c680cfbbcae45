/** A handle of views in native memory. */
import { ArgumentError } from "../errors.js";
import type * as addon from "./addon.js";
import { delegateNow } from "./delegate.js";
import type { ViewBatch, ViewPixels } from "./rendered-views.js";
import type { BatchShape } from "./types.js";

export class ViewHandle implements ViewBatch {
  readonly shape: BatchShape;
  readonly bytes: number;
  readonly seconds: ViewBatch["seconds"];
  #views: addon.ViewBatch | null;

  constructor(shape: BatchShape, views: addon.ViewBatch) {
    this.shape = Object.freeze({ ...shape });
    this.bytes = views.bytes;
    this.seconds = views.seconds;
    this.#views = views;
  }

  /** What the addon takes; throws ArgumentError once it is disposed of. */
  get views(): addon.ViewBatch {
    if (this.#views !== null) return this.#views;
    throw new ArgumentError("batch: expected views in memory, received a ViewBatch that was disposed of");
  }

  pixels(): ViewPixels {
    const { views } = this;
    return delegateNow(() => views.pixels());
  }

  /** Frees the memory, now or when the last step that uses it is done. */
  [Symbol.dispose](): void {
    this.#views?.dispose();
    this.#views = null;
  }
}
