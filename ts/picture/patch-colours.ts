/**
 * Patch features as colours: their first three principal components are red, green and blue, each from its 1st to its
 * 99th percentile. Twice, as DINOv2 does: of all patches, and of the foreground alone. Foreground: the patches on one side
 * of the mean along the first component of all, the side on which the class token's attention is higher.
 */
import { type Enlargement, enlarged, type PictureSize } from "./patch-map.js";
import {
  type Components,
  type FittedComponents,
  fitComponents,
  scores,
  type Vectors,
} from "./principal-components.js";

/** Patches of one image or of several. */
export interface Patches extends Vectors {
  /** `[count]`: attention of the class token to each patch, 1 being the average of its image. */
  readonly attention: Float32Array;
}

/** Up to three components, and the values that are darkest and lightest. */
export interface Channels {
  readonly components: Components;
  readonly ranges: readonly { readonly low: number; readonly range: number }[];
}

export interface PatchColours {
  readonly all: Channels;
  readonly foreground: Channels;
  /** Sign of the first component of all in the foreground. */
  readonly side: 1 | -1;
}

/** Shown where there is no foreground. */
const BACKGROUND = 16;
/** The darkest colour of the foreground stays apart from the background. */
const DARKEST = 40;

/** At least one patch, of finite values. */
export async function fitPatchColours(patches: Patches): Promise<PatchColours> {
  const all = await fitFirstThree(patches);
  const [first] = all.scores as readonly [Float32Array];
  const side = attendedSide(first, patches.attention);
  const foreground = await fitChannels(keptVectors(patches, first, side));
  return { all: channelsOf(all), foreground, side };
}

/** The patches of one image, row by row. */
export interface PatchGrid {
  readonly vectors: Vectors;
  readonly rows: number;
  readonly columns: number;
}

export interface PaintingStyle {
  readonly size: PictureSize;
  readonly how: Enlargement;
}

/** `[height, width, 3]`; outside of what is shown it is dark. */
export function paintPatches(
  fit: PatchColours,
  image: PatchGrid,
  style: PaintingStyle & { readonly shown: "all" | "foreground" },
): Uint8Array {
  const { vectors, rows, columns } = image;
  if (style.shown === "all") return paintChannels(fit.all, image, style, () => true);
  const distances = { rows, columns, values: scores(vectors, fit.all.components, 0) };
  const separation = enlarged(distances, style.size, style.how);
  return paintChannels(fit.foreground, image, style, (at) => (separation[at] as number) * fit.side > 0);
}

/** `[height, width, 3]`; pixels that are not shown are dark. */
export function paintChannels(
  { components, ranges }: Channels,
  { vectors, rows, columns }: PatchGrid,
  { size, how }: PaintingStyle,
  isShown: (pixel: number) => boolean,
): Uint8Array {
  const channels = ranges.map((_, component) =>
    enlarged({ rows, columns, values: scores(vectors, components, component) }, size, how),
  );
  const count = size.height * size.width;
  const pixels = new Uint8Array(3 * count).fill(BACKGROUND);
  for (let at = 0; at < count; at++) if (isShown(at)) writeChannels(pixels, at, channels, ranges);
  return pixels;
}

/** Colours of vectors, whatever they show: at least one, of finite values. */
export async function fitChannels(vectors: Vectors): Promise<Channels> {
  return channelsOf(await fitFirstThree(vectors));
}

function fitFirstThree(vectors: Vectors): Promise<FittedComponents> {
  return fitComponents(vectors, Math.min(3, vectors.width));
}

function channelsOf({ components, scores }: FittedComponents): Channels {
  return { components, ranges: scores.map(percentiles) };
}

function writeChannels(
  pixels: Uint8Array,
  at: number,
  channels: readonly Float32Array[],
  ranges: Channels["ranges"],
): void {
  for (const [channel, { low, range }] of ranges.entries()) {
    const share = Math.min(1, Math.max(0, ((channels[channel]?.[at] as number) - low) / range));
    pixels[3 * at + channel] = Math.round(DARKEST + (255 - DARKEST) * share);
  }
}

function attendedSide(first: Float32Array, attention: Float32Array): 1 | -1 {
  const mean = (sign: number) => {
    const side = attention.filter((_, at) => (first[at] as number) * sign > 0);
    return side.length === 0 ? 0 : side.reduce((sum, value) => sum + value, 0) / side.length;
  };
  return mean(1) >= mean(-1) ? 1 : -1;
}

/** Those of the foreground; all of them where nothing tells one from the other. */
function keptVectors({ width, values }: Vectors, first: Float32Array, sign: number): Vectors {
  const inside = [...first.keys()].filter((row) => (first[row] as number) * sign > 0);
  if (inside.length === 0) return { width, values };
  const kept = new Float32Array(inside.length * width);
  for (const [to, from] of inside.entries())
    kept.set(values.subarray(from * width, (from + 1) * width), to * width);
  return { width, values: kept };
}

function percentiles(values: Float32Array): { low: number; range: number } {
  const sorted = values.toSorted();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
  const [low, high] = [at(0.01), at(0.99)];
  return { low, range: high > low ? high - low : 1 };
}
