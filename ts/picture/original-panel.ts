/** The whole image with the boxes of all crops. */
import type { DetailedRecipe } from "../recipe/multi-crop.js";
import type { ViewRecipe } from "../recipe/types.js";
import { type CropName, G1, G2, localName } from "./crop-names.js";
import type { Panel } from "./panel.js";
import { fittedTile, type RgbImage } from "./raster.js";
import { type Box, outline, TAB_HEIGHT, tab, tabWidth } from "./shapes.js";

/** Fitted into the room. Boxes of global crops lie below the others, their names above all. */
export async function originalPanel(
  image: RgbImage,
  { recipe }: DetailedRecipe,
  room: { readonly width: number; readonly height: number },
): Promise<Panel> {
  const tile = await fittedTile(image, room);
  const scale = { across: tile.width / image.width, down: tile.height / image.height };
  const crops = [
    shown(G1, recipe.globals[0], 3, scale),
    shown(G2, recipe.globals[1], 3, scale),
    ...recipe.locals.map((local, number) => shown(localName(number), local, 2, scale)),
  ];
  const boxes = crops.map(({ box, name, width, flipped }) =>
    outline(box, { colour: name.colour, width, dashed: flipped }),
  );
  const names = crops.toReversed().map((crop) => nameTab(crop, tile));
  return { width: tile.width, height: tile.height, tiles: [tile], marks: boxes.join("") + names.join("") };
}

interface ShownCrop {
  readonly name: CropName;
  readonly box: Box;
  readonly width: number;
  readonly flipped: boolean;
}

function shown(
  name: CropName,
  { crop, flipped }: ViewRecipe,
  width: number,
  { across, down }: { readonly across: number; readonly down: number },
): ShownCrop {
  const box = {
    left: crop.left * across,
    top: crop.top * down,
    width: crop.width * across,
    height: crop.height * down,
  };
  return { name, box, width, flipped };
}

/** In the crop's own upper left corner, which a mirrored one has on the right. */
function nameTab({ name, box, flipped }: ShownCrop, { width, height }: Panel | Box): string {
  const wanted = flipped ? box.left + box.width - tabWidth(name) : box.left;
  const left = Math.max(0, Math.min(wanted, width - tabWidth(name)));
  return tab(name, left, Math.max(0, Math.min(box.top, height - TAB_HEIGHT)));
}
