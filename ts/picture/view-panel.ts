/** A view as the network gets it, with what was done to it in words. */
import type { ViewRecipe } from "../recipe/types.js";
import type { CropName } from "./crop-names.js";
import { fitted, lettering } from "./lettering.js";
import { FAINT_INK, INK } from "./palette.js";
import { arranged, drawing, type Panel, type Tile } from "./panel.js";
import { mirrorSign, TAB_HEIGHT, tab, tabWidth } from "./shapes.js";

const CAPTION = TAB_HEIGHT + 22;

export interface ShownView {
  readonly name: CropName;
  readonly recipe: ViewRecipe;
  readonly tile: Tile;
}

export function viewPanel({ name, recipe, tile }: ShownView): Panel {
  const picture = { width: tile.width, height: tile.height, tiles: [tile], marks: "" };
  return arranged([
    { panel: caption(name, recipe, tile.width), left: 0, top: 0 },
    { panel: picture, left: 0, top: CAPTION },
  ]);
}

function caption(name: CropName, recipe: ViewRecipe, width: number): Panel {
  const after = tabWidth(name) + 8;
  const { crop, flipped } = recipe;
  const sign = flipped ? mirrorSign(width - 18, 3, INK) : "";
  const size = `${crop.width} x ${crop.height} at ${crop.left}, ${crop.top}`;
  const room = width - after - (flipped ? 26 : 0);
  return drawing(
    width,
    CAPTION,
    tab(name, 0, 0) +
      sign +
      lettering({ text: fitted(size, 12, room), x: after, y: 14.5, size: 12, colour: INK }) +
      lettering({ text: fitted(changes(recipe), 11.5, width), x: 0, y: 36, size: 11.5, colour: FAINT_INK }),
  );
}

/** The photometric operations in their order; an amount only where one number says it. */
export function changes({ jitter, grayscale, blurRadius, solarizeThreshold }: ViewRecipe): string {
  const parts = [
    ...(jitter.length > 0 ? ["jitter"] : []),
    ...(grayscale ? ["gray"] : []),
    ...(blurRadius > 0 ? [`blur ${blurRadius.toFixed(1)}`] : []),
    ...(solarizeThreshold !== null ? ["solarized"] : []),
  ];
  return parts.length > 0 ? parts.join(" \u00b7 ") : "colors unchanged";
}
