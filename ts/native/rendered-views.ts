/** Views rendered by the native executor on its own threads. */
import type { ImageRecipe } from "../recipe/types.js";
import { list, record, wholeNumber } from "./argument-checks.js";
import { checkShape } from "./check-batch.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import { lendImages } from "./native-image.js";
import type { BatchShape, DecodedImage } from "./types.js";
import { openViewBatch } from "./view-filling.js";

/** A batch of rendered views that lives in native memory: uint8 RGB views and, where the recipes have them, maps. */
export interface ViewBatch extends Disposable {
  readonly shape: BatchShape;
  /** Size in memory. */
  readonly bytes: number;
  /** Seconds of one core that rendering took: crop, resize and flip; then all that follows. */
  readonly seconds: { readonly resize: number; readonly photometric: number };
  /** Copies of the views, to be looked at. */
  pixels(): ViewPixels;
}

/** RGB views, 0-255. */
export interface ViewPixels {
  /** `[2, B, 3, G, G]` */
  readonly globalViews: Uint8Array;
  /** `[L, B, 3, S, S]` */
  readonly localViews: Uint8Array;
}

export type RenderViews = (
  shape: BatchShape,
  images: readonly DecodedImage[],
  recipes: readonly ImageRecipe[],
) => Promise<ViewBatch>;

/** Renders the views of a batch. Plain images are copied before this returns, and may be used for something else then. */
export const renderViews: RenderViews = async (shape, images, recipes) => {
  const { images: count } = checkShape(record("shape", shape));
  const given = list("images", images, (_, image) => image as DecodedImage, count);
  const views = list("recipes", recipes, record, count) as unknown as ImageRecipe[];
  using filling = openViewBatch(shape);
  const places = given.map((image, place) => filling.fill(place, image, views[place] as ImageRecipe));
  await Promise.allSettled(places);
  await Promise.all(places);
  return await filling.finish();
};

/** torchvision's Resize and CenterCrop: `[images, 3, crop, crop]`. Plain images are copied before this returns. */
export async function renderEvaluationViews(
  images: readonly DecodedImage[],
  size: { readonly resizeTo: number; readonly crop: number },
): Promise<Uint8Array> {
  const given = record("size", size);
  const checkedSize = {
    resizeTo: wholeNumber("size.resizeTo", given.resizeTo, 1),
    crop: wholeNumber("size.crop", given.crop, 1),
  };
  using lent = lendImages("images", images);
  return await delegate(() => engineAddon().renderEvaluationViews(lent.handles, checkedSize));
}
