/** What is drawn of one image: its pixels, attention of its class tokens, colours of its patches. */
import { setImmediate as turn } from "node:timers/promises";
import { heatMap } from "./heat-map.js";
import { maskOverlay } from "./mask-overlay.js";
import { massMask } from "./mass-mask.js";
import { type Enlargement, meanMap, type PatchMap, type PictureSize } from "./patch-map.js";

export interface Picture extends PictureSize {
  /** `[height, width, 3]` */
  readonly pixels: Uint8Array;
}

/** Attention of one class token. */
export interface QueryAttention {
  /** "cls" or "cls+". */
  readonly query: string;
  /** One map for each head. */
  readonly heads: readonly PatchMap[];
}

export interface AttendedImage {
  readonly name: string;
  /** What the network got: a whole number of patches in height and width. */
  readonly image: Picture;
  readonly queries: readonly QueryAttention[];
  /** Pictures of the patch features, painted in any size; empty: they are not asked for. */
  readonly patches: readonly PatchPainting[];
}

export interface PatchPainting {
  /** Name of its file without extension. */
  readonly file: string;
  readonly caption: string;
  paint(size: PictureSize): Uint8Array;
}

export interface DrawingStyle {
  readonly enlargement: Enlargement;
  /** Share of the attention that a mask holds; null: no masks. */
  readonly threshold: number | null;
}

/** A picture of one map, and the name of its file without extension. */
export interface MapPicture extends Picture {
  readonly file: string;
  readonly caption: string;
}

/** Heads in their order, then their mean. */
export async function heatMaps(
  { heads }: QueryAttention,
  size: PictureSize,
  style: DrawingStyle,
): Promise<MapPicture[]> {
  return named(heads, (map, name, caption) => ({
    ...size,
    file: `attn-${name}`,
    caption,
    pixels: heatMap(map, size, style.enlargement),
  }));
}

/** `image` has the size of the masks. Empty where no masks are asked for. */
export async function masks(
  { heads }: QueryAttention,
  image: Picture,
  { threshold }: DrawingStyle,
): Promise<MapPicture[]> {
  if (threshold === null) return [];
  const { height, width } = image;
  return named(heads, (map, name, caption) => ({
    height,
    width,
    file: `mask_th${threshold}_${name}`,
    caption,
    pixels: maskOverlay(image.pixels, { height, width }, massMask(map, threshold)),
  }));
}

/** Map by map: what else the process does gets its turn in between. */
async function named<T>(
  heads: readonly PatchMap[],
  draw: (map: PatchMap, name: string, caption: string) => T,
): Promise<T[]> {
  const drawn: T[] = [];
  for (const [head, map] of heads.entries()) {
    drawn.push(draw(map, `head${head}`, `head ${head}`));
    await turn();
  }
  return [...drawn, draw(meanMap(heads), "mean", "mean")];
}
