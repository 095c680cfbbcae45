/** A batch of views that is rendered natively, image by image. */
import type { ImageRecipe } from "../recipe/types.js";
import type * as addon from "./addon.js";
import { choice, record, refuse, type Unchecked, wholeNumber } from "./argument-checks.js";
import { checkShape } from "./check-batch.js";
import { checkRecipe } from "./check-recipes.js";
import { delegate, delegateNow } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import { lendImage } from "./native-image.js";
import { packMaps } from "./pack-maps.js";
import type { ViewBatch } from "./rendered-views.js";
import type { BatchShape, DecodedImage } from "./types.js";
import { ViewHandle } from "./view-handle.js";

/** A batch in the making. */
export interface ViewFilling extends Disposable {
  /** Renders one image's views into its place. Any order, several at once; a plain image is copied before this returns. */
  fill(place: number, image: DecodedImage, recipe: ImageRecipe): Promise<void>;
  /** The batch, once every place is filled. */
  finish(): Promise<ViewBatch>;
}

/**
 * What makes views. "cpu": the view threads, with PIL's values, as soon as an image is there. "device": the engine's device
 * when the step begins, within one level of them; until then decoded images are kept.
 */
export type ViewExecutor = (typeof EXECUTORS)[number];

const EXECUTORS = ["cpu", "device"] as const;

/** Takes memory for a batch of this shape. Views are rendered straight into it, on the view threads. */
export function openViewBatch(shape: BatchShape, executor: ViewExecutor = "cpu"): ViewFilling {
  const checked = checkShape(record("shape", shape));
  const chosen = choice("executor", executor, EXECUTORS);
  return new NativeFilling(
    checked,
    delegateNow(() => engineAddon().openViewFilling(checked, chosen)),
  );
}

class NativeFilling implements ViewFilling {
  readonly #shape: addon.BatchShape;
  readonly #filling: addon.ViewFilling;
  /** Recipes of the places that are filled. */
  readonly #recipes = new Map<number, Unchecked>();

  constructor(shape: addon.BatchShape, filling: addon.ViewFilling) {
    this.#shape = shape;
    this.#filling = filling;
  }

  async fill(place: number, image: DecodedImage, recipe: ImageRecipe): Promise<void> {
    const at = wholeNumber("place", place, 0, this.#shape.images - 1);
    const given = record(`recipes[${at}]`, recipe);
    const views = checkRecipe(`recipes[${at}]`, given, this.#shape);
    using lent = lendImage(`images[${at}]`, image);
    await delegate(() => this.#filling.fill(at, lent.image, views));
    this.#recipes.set(at, given);
  }

  async finish(): Promise<ViewBatch> {
    const { images } = this.#shape;
    const recipes = Array.from({ length: images }, (_, at) => this.#recipes.get(at));
    const filled = recipes.filter((recipe) => recipe !== undefined);
    if (filled.length < images) throw refuse("batch", `views of ${images} images`, filled.length);
    const maps = packMaps(filled, this.#shape);
    return new ViewHandle(this.#shape, await delegate(() => this.#filling.finish(maps)));
  }

  [Symbol.dispose](): void {
    this.#filling.dispose();
  }
}
