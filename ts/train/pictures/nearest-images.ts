/** The images of a pool that a network holds for the most similar to some others. */
import { normaliseRows } from "../../evaluate/features.js";
import type { Native } from "../../native/engine.js";
import { type PictureImages, viewBatches } from "./picture-images.js";

export interface NearImage {
  readonly sample: number;
  /** Cosine of the class-token features. */
  readonly similarity: number;
}

/** `wanted` of the pool for each of the asked rows `[count, width]`, the most similar first; fewer where there are no more. */
export async function nearestImages(
  native: Pick<Native, "embed">,
  asked: { readonly rows: Float32Array; readonly width: number },
  pool: { readonly images: PictureImages; readonly samples: readonly number[] },
  wanted: number,
): Promise<NearImage[][]> {
  const { width } = asked;
  const rows = normaliseRows(asked.rows.slice(), width);
  const found: NearImage[][] = Array.from({ length: rows.length / width }, () => []);
  const { images, samples } = pool;
  for await (const batch of viewBatches(images, samples, images.batchSize)) {
    const views = { images: batch.samples.length, size: images.size.crop, pixels: batch.pixels };
    const features = normaliseRows(await native.embed(views, "teacher"), width);
    for (const [row, near] of found.entries()) {
      const own = rows.subarray(row * width, (row + 1) * width);
      near.push(
        ...batch.samples.map((sample, at) => ({ sample, similarity: product(own, features, at * width) })),
      );
      near.sort((a, b) => b.similarity - a.similarity).splice(wanted);
    }
  }
  return found;
}

function product(row: Float32Array, rows: Float32Array, from: number): number {
  return row.reduce((sum, value, at) => sum + value * (rows[from + at] as number), 0);
}
