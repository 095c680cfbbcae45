/** Views rendered by the native executor on its own threads. */
import type { ImageRecipe } from "../recipe/types.js";
import { list, record, wholeNumber } from "./argument-checks.js";
import { checkShape } from "./check-batch.js";
import { checkImages, checkRecipes } from "./check-recipes.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import { packMaps } from "./pack-maps.js";
import type { BatchShape, DecodedImage } from "./types.js";
import { ViewHandle } from "./view-handle.js";

/** A batch of rendered views that lives in native memory: uint8 RGB views and, where the recipes have them, maps. */
export interface ViewBatch extends Disposable {
  readonly shape: BatchShape;
  /** Size in memory. */
  readonly bytes: number;
}

export type RenderViews = (
  shape: BatchShape,
  images: readonly DecodedImage[],
  recipes: readonly ImageRecipe[],
) => Promise<ViewBatch>;

/** Renders the views of a batch. The images are copied before this returns, and may be used for something else then. */
export const renderViews: RenderViews = async (shape, images, recipes) => {
  const checkedShape = checkShape(record("shape", shape));
  const checkedImages = checkImages(images, checkedShape.images);
  const records = list("recipes", recipes, record, checkedShape.images);
  const views = checkRecipes(records, checkedShape);
  const maps = packMaps(records, checkedShape);
  const rendered = await delegate(() => engineAddon().renderViews(checkedShape, checkedImages, views, maps));
  return new ViewHandle(checkedShape, rendered);
};

/** torchvision's Resize and CenterCrop: `[images, 3, crop, crop]`. */
export async function renderEvaluationViews(
  images: readonly DecodedImage[],
  size: { readonly resizeTo: number; readonly crop: number },
): Promise<Uint8Array> {
  const given = record("size", size);
  const checkedSize = {
    resizeTo: wholeNumber("size.resizeTo", given.resizeTo, 1),
    crop: wholeNumber("size.crop", given.crop, 1),
  };
  const checkedImages = checkImages(images);
  return delegate(() => engineAddon().renderEvaluationViews(checkedImages, checkedSize));
}
