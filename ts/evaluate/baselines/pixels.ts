/** Raw pixels as features: what an image gives before any network has seen it. */
import type { Embedder } from "../embedder.js";
import type { PoolingEncoder } from "../linear/encoded-rows.js";
import type { ViewSize } from "../view-size.js";

/** A row of 3 * 32 * 32 values is as long as that of a large network. */
const WIDEST = 32;

/** The same part of the image, at most 32 pixels wide. */
export function pixelView({ resizeTo, crop }: ViewSize): ViewSize {
  if (crop <= WIDEST) return { resizeTo, crop };
  return { resizeTo: Math.round((resizeTo * WIDEST) / crop), crop: WIDEST };
}

/** Values of a row. */
export function pixelWidth({ crop }: ViewSize): number {
  return 3 * crop * crop;
}

/**
 * `[images, width]`: values in [0, 1] less the mean of the image, so that with rows of norm 1 the cosine of two images is
 * their correlation. Without it all photographs are alike, since none of their values is negative.
 */
export function pixelRows(pixels: Uint8Array, width: number): Float32Array {
  const rows = Float32Array.from(pixels, (value) => value / 255);
  for (let start = 0; start < rows.length; start += width) {
    const row = rows.subarray(start, start + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    for (const [at, value] of row.entries()) row[at] = value - mean;
  }
  return rows;
}

export function pixelEmbedder(size: ViewSize): Embedder {
  return { features: ["cls"], embed: async (_, pixels) => [pixelRows(pixels, pixelWidth(size))] };
}

/** The same as a network of one block, whose class token is the row. */
export function pixelEncoder(size: ViewSize): PoolingEncoder {
  const width = pixelWidth(size);
  return {
    model: { width, depth: 1, heads: 1, patchSize: 1, imageSize: size.crop, classTokens: 1 },
    pooled: async ({ pixels }) => ({ values: pixelRows(pixels as Uint8Array, width), blocks: 1, rows: 1 }),
  };
}
