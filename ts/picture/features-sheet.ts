/** What a network makes of some images: a column an image, below it where the class tokens look and what patches are alike. */
import type { Sharp } from "sharp";
import type { QueryAttention } from "./attended-image.js";
import { heatMap } from "./heat-map.js";
import { lettering } from "./lettering.js";
import { paintedPanel } from "./painted-panel.js";
import { INK } from "./palette.js";
import { below, beside, drawing, type Panel } from "./panel.js";
import { type Channels, type PatchGrid, paintChannels } from "./patch-colours.js";
import { meanMap, type PictureSize } from "./patch-map.js";
import { fittedTile, type RgbImage } from "./raster.js";
import { caption, type Heading, titledPanel } from "./titled-panel.js";

export interface FeatureColumn {
  readonly name: string;
  /** What the network got. */
  readonly image: RgbImage;
  readonly queries: readonly QueryAttention[];
  readonly patches: PatchGrid;
}

/** About the side of a picture. */
const SIDE = 160;
const GAP = 8;
const MARGIN = 32;
/** Room for the names of the rows. */
const NAMES = 64;

/** At least one column; all images have one size. The colours of patches are those of `colours`. */
export async function featuresSheet(
  columns: readonly FeatureColumn[],
  colours: Channels,
  heading: Heading,
): Promise<Sharp> {
  const [first] = columns as readonly [FeatureColumn];
  const size = sizeOf(first.patches);
  const panels: Panel[] = [];
  // One after the other: what else the process does gets its turn in between.
  for (const column of columns) panels.push(await columnPanel(column, colours, size));
  const names = ["image", ...first.queries.map(({ query }) => query), "patches"];
  return paintedPanel(titledPanel(heading, beside([rowNames(names, size), ...panels], GAP)), MARGIN);
}

/** Each patch is a whole number of pixels. */
function sizeOf({ rows, columns }: PatchGrid): PictureSize {
  const scale = Math.max(1, Math.round(SIDE / Math.max(rows, columns)));
  return { height: rows * scale, width: columns * scale };
}

async function columnPanel(column: FeatureColumn, colours: Channels, size: PictureSize): Promise<Panel> {
  const { name, image, queries, patches } = column;
  const maps = queries.map(({ heads }) => heatMap(meanMap(heads), size, "nearest"));
  const painted = paintChannels(colours, patches, { size, how: "nearest" }, () => true);
  const tiles = [...maps, painted].map((pixels) => ({ left: 0, top: 0, ...size, pixels }));
  const pictures = [await fittedTile(image, size), ...tiles].map((tile) => tilePanel(tile));
  return below([caption(name, size.width, "plain"), ...pictures], GAP);
}

function tilePanel(tile: Panel["tiles"][number]): Panel {
  return { width: tile.width, height: tile.height, tiles: [tile], marks: "" };
}

function rowNames(names: readonly string[], { height }: PictureSize): Panel {
  const lines = names.map((text) =>
    drawing(NAMES, height, lettering({ text, x: 0, y: height / 2 + 5, size: 14, colour: INK })),
  );
  return below([drawing(NAMES, 16, ""), ...lines], GAP);
}
