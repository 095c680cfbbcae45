/** One view of each image after it was augmented, rendered by the native executor as its recipe has it. */
import type { AugmentedRecipe } from "../recipe/types.js";
import { list, wholeNumber } from "./argument-checks.js";
import { checkAugmented } from "./check-augmented.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import { lendImages } from "./native-image.js";
import type { DecodedImage } from "./types.js";

/** `[images, 3, side, side]`, RGB 0-255. Plain images are copied before this returns. */
export async function renderAugmentedViews(
  images: readonly DecodedImage[],
  recipes: readonly AugmentedRecipe[],
  side: number,
): Promise<Uint8Array> {
  const checkedSide = wholeNumber("side", side, 1);
  using lent = lendImages("images", images);
  const views = list(
    "recipes",
    recipes,
    (name, recipe) => checkAugmented(name, recipe, checkedSide),
    lent.handles.length,
  );
  return await delegate(() => engineAddon().renderAugmentedViews(lent.handles, views, checkedSide));
}
