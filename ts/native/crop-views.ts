/** One view of each image, rendered by the native executor as its recipe has it. */
import type { ViewRecipe } from "../recipe/types.js";
import { list, wholeNumber } from "./argument-checks.js";
import { checkImages, checkView } from "./check-recipes.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import type { DecodedImage } from "./types.js";

/** `[images, 3, side, side]`, RGB 0-255. The images are copied before this returns. */
export async function renderCropViews(
  images: readonly DecodedImage[],
  recipes: readonly ViewRecipe[],
  side: number,
): Promise<Uint8Array> {
  const checkedSide = wholeNumber("side", side, 1);
  const checkedImages = checkImages(images);
  const views = list(
    "recipes",
    recipes,
    (name, recipe) => checkView(name, recipe, checkedSide),
    checkedImages.length,
  );
  return delegate(() => engineAddon().renderCropViews(checkedImages, views, checkedSide));
}
