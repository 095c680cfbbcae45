/** Values of patches as colours. */
import { writeColour } from "./colour-map.js";
import { type Enlargement, enlarged, type PatchMap, type PictureSize } from "./patch-map.js";

/** `[height, width, 3]`: from the lowest value of this map (dark) to its highest (light). */
export function heatMap(map: PatchMap, size: PictureSize, how: Enlargement): Uint8Array {
  const { low, range } = extent(map.values);
  const values = enlarged(map, size, how);
  const pixels = new Uint8Array(3 * values.length);
  for (const [at, value] of values.entries()) writeColour(pixels, 3 * at, (value - low) / range);
  return pixels;
}

/** Of a map of one value only, the range is 1. */
function extent(values: Float32Array): { low: number; range: number } {
  const low = values.reduce((least, value) => Math.min(least, value), Number.POSITIVE_INFINITY);
  const high = values.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);
  return { low, range: high > low ? high - low : 1 };
}
