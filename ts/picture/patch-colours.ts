/**
 * Patch features as colours: their first three principal components are red, green and blue, each from its 1st to its
 * 99th percentile. Twice, as DINOv2 does: of all patches, and of the foreground alone. Foreground: the patches on one side
 * of the mean along the first component of all, the side on which the class token's attention is higher.
 */
import { type Enlargement, enlarged, type PictureSize } from "./patch-map.js";
import {
  type PrincipalComponents,
  principalComponents,
  scores,
  type Vectors,
} from "./principal-components.js";

/** Patches of one image or of several. */
export interface Patches extends Vectors {
  /** `[count]`: attention of the class token to each patch, 1 being the average of its image. */
  readonly attention: Float32Array;
}

/** Three components, and the values that are darkest and lightest. */
interface Channels {
  readonly components: PrincipalComponents;
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

export function fitPatchColours(patches: Patches): PatchColours {
  const all = channelsOf(patches);
  const first = scores(patches, all.components, 0);
  const side = attendedSide(first, patches.attention);
  return { all, foreground: channelsOf(keptVectors(patches, first, side)), side };
}

/** `[height, width, 3]`: the patches of one image, row by row; outside of what is shown it is dark. */
export function paintPatches(
  fit: PatchColours,
  image: { readonly vectors: Vectors; readonly rows: number; readonly columns: number },
  style: { readonly size: PictureSize; readonly how: Enlargement; readonly shown: "all" | "foreground" },
): Uint8Array {
  const { vectors, rows, columns } = image;
  const { size, how, shown } = style;
  const pixelsOf = (values: Float32Array) => enlarged({ rows, columns, values }, size, how);
  const { components, ranges } = fit[shown];
  const channels = ranges.map((_, component) => pixelsOf(scores(vectors, components, component)));
  const separation = pixelsOf(scores(vectors, fit.all.components, 0));
  const pixels = new Uint8Array(3 * size.height * size.width).fill(BACKGROUND);
  for (const [at, distance] of separation.entries()) {
    if (shown === "all" || distance * fit.side > 0) writeChannels(pixels, at, channels, ranges);
  }
  return pixels;
}

function channelsOf(vectors: Vectors): Channels {
  const components = principalComponents(vectors, Math.min(3, vectors.width));
  const ranges = components.directions.map((_, component) =>
    percentiles(scores(vectors, components, component)),
  );
  return { components, ranges };
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
  const inside = values.filter((_, at) => (first[Math.floor(at / width)] as number) * sign > 0);
  return { width, values: inside.length > 0 ? inside : values };
}

function percentiles(values: Float32Array): { low: number; range: number } {
  const sorted = values.toSorted();
  const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))] as number;
  const [low, high] = [at(0.01), at(0.99)];
  return { low, range: high > low ? high - low : 1 };
}
