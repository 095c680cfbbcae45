import { beforeAll, expect, test } from "vitest";
import { openImageSource } from "../../../ts/dataset/image-source.js";
import type { EvaluationViews } from "../../../ts/native/engine.js";
import { nearestImages } from "../../../ts/train/pictures/nearest-images.js";
import { firstViews, type PictureImages } from "../../../ts/train/pictures/picture-images.js";
import { USUAL_LIMITS } from "../../../ts/views/read-image.js";
import { sharedFolder, writePhotos } from "../../end-to-end/photos.js";

/** Means of the three colours in the upper and the lower half of each view. */
const WIDTH = 6;
async function embed({ images, size, pixels }: EvaluationViews): Promise<Float32Array> {
  const half = size ** 2 / 2;
  return Float32Array.from({ length: images * WIDTH }, (_, at) => {
    const part = pixels.subarray(at * half, (at + 1) * half) as Uint8Array;
    return part.reduce((sum, value) => sum + value, 0) / half - 127;
  });
}

const folder = sharedFolder();
beforeAll(() => writePhotos(folder, 20));

async function pool(batchSize: number): Promise<PictureImages> {
  const source = await openImageSource(folder, "auto");
  const size = { resizeTo: 32, crop: 32 };
  return { source, size, batchSize, workers: 1, limits: USUAL_LIMITS, signal: undefined };
}

const samples = Array.from({ length: 20 }, (_, at) => 19 - at);

test("the nearest images are those of the largest cosines, in their order, whatever the batches", async () => {
  const rows = Float32Array.from({ length: 2 * WIDTH }, (_, at) => Math.sin(3 * at));
  const found = async (batchSize: number, wanted: number) =>
    nearestImages({ embed }, { rows, width: WIDTH }, { images: await pool(batchSize), samples }, wanted);
  const all = await found(20, 99);
  for (const row of all) {
    expect(row.map(({ sample }) => sample).sort((a, b) => b - a)).toEqual(samples);
    const similarities = row.map(({ similarity }) => similarity);
    expect(similarities).toEqual(similarities.toSorted((a, b) => b - a));
  }
  expect(await found(3, 5)).toEqual(all.map((row) => row.slice(0, 5)));
});

test("an image of the pool is its own nearest one, however long its feature is", async () => {
  const images = await pool(20);
  const [view] = await firstViews(images, [7], 1);
  const pixels = view?.planes ?? new Uint8Array();
  const feature = await embed({ images: 1, size: 32, pixels });
  const rows = feature.map((value) => 1000 * value);
  const [near] = await nearestImages({ embed }, { rows, width: WIDTH }, { images, samples }, 2);
  expect(near?.[0]?.sample).toBe(7);
  expect(near?.[0]?.similarity).toBeCloseTo(1, 6);
  expect(near?.[1]?.similarity).toBeLessThan(1 - 1e-6);
});
