/** One view of each image, rendered by the native executor as its recipe has it. */
import type { AugmentedRecipe, ViewRecipe } from "../recipe/types.js";
import { list, wholeNumber } from "./argument-checks.js";
import { checkAugmented } from "./check-augmented.js";
import { checkView } from "./check-recipes.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import { lendImages } from "./native-image.js";
import type { DecodedImage } from "./types.js";

type Lent = ReturnType<typeof lendImages>["handles"];

/** `[images, 3, side, side]`, RGB 0-255. Plain images are copied before this returns. */
export function renderCropViews(
  images: readonly DecodedImage[],
  recipes: readonly ViewRecipe[],
  side: number,
): Promise<Uint8Array> {
  const render = (lent: Lent, views: ReturnType<typeof checkView>[]) =>
    engineAddon().renderCropViews(lent, views, side);
  return rendered(images, { recipes, side, check: checkView, render });
}

/** The same after each image was augmented. */
export function renderAugmentedViews(
  images: readonly DecodedImage[],
  recipes: readonly AugmentedRecipe[],
  side: number,
): Promise<Uint8Array> {
  const render = (lent: Lent, views: ReturnType<typeof checkAugmented>[]) =>
    engineAddon().renderAugmentedViews(lent, views, side);
  return rendered(images, { recipes, side, check: checkAugmented, render });
}

interface Rendering<View> {
  readonly recipes: readonly unknown[];
  readonly side: number;
  readonly check: (name: string, recipe: unknown, side: number) => View;
  readonly render: (lent: Lent, views: View[]) => Promise<Uint8Array>;
}

async function rendered<View>(
  images: readonly DecodedImage[],
  { recipes, side, check, render }: Rendering<View>,
): Promise<Uint8Array> {
  const checkedSide = wholeNumber("side", side, 1);
  using lent = lendImages("images", images);
  const { handles } = lent;
  const views = list("recipes", recipes, (name, recipe) => check(name, recipe, checkedSide), handles.length);
  return await delegate(() => render(handles, views));
}
