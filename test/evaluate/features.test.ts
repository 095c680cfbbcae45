import fc from "fast-check";
import { expect, test } from "vitest";
import { DataError, NativeError } from "../../ts/errors.js";
import { normaliseRows, sourceFeatures } from "../../ts/evaluate/features.js";
import type { DecodedImage } from "../../ts/native/types.js";
import { imageFolder } from "../views/image-folder.js";

const SIZE = { resizeTo: 2, crop: 2 };

/** Fills a view with the image's first byte. */
async function render(images: readonly DecodedImage[]): Promise<Uint8Array> {
  return Uint8Array.from(images.flatMap(({ pixels }) => Array<number>(12).fill(pixels[0] as number)));
}

/** Two features: the view's first byte, and 1. */
const embedder = {
  async embed(images: number, pixels: Uint8Array): Promise<readonly Float32Array[]> {
    return [Float32Array.from({ length: 2 * images }, (_, at) => (at % 2 ? 1 : (pixels[6 * at] as number)))];
  },
};

test("each image that can be decoded has its row, of norm 1", async () => {
  const source = await imageFolder({ images: 6, damaged: [2] });
  const progress: number[] = [];
  const onProgress = (done: number) => progress.push(done);
  const request = { source, size: SIZE, batchSize: 4, workers: 2, embedder, render, onProgress };
  const { features, samples, skipped } = await sourceFeatures(request);
  const [{ rows, width } = { rows: new Float32Array(0), width: 0 }] = features;
  expect([width, samples, skipped.map(({ file }) => file)]).toEqual([2, [0, 1, 3, 4, 5], [source.name(2)]]);
  expect(progress).toEqual([4, 6]);
  for (const [row, sample] of samples.entries()) {
    const norm = Math.hypot(7 * sample, 1);
    expect(rows[2 * row]).toBeCloseTo((7 * sample) / norm, 6);
    expect(rows[2 * row + 1]).toBeCloseTo(1 / norm, 6);
  }
});

test("a source without one readable image is one error", async () => {
  const source = await imageFolder({ images: 3, damaged: [0, 1, 2] });
  const failing = sourceFeatures({ source, size: SIZE, batchSize: 2, workers: 2, embedder, render });
  await expect(failing).rejects.toThrow(DataError);
  await expect(failing).rejects.toThrow(/none of its 3 images can be decoded/);
});

test("a feature that is not finite is one error that names its image", async () => {
  const source = await imageFolder({ images: 3 });
  const broken = { embed: async (images: number) => [new Float32Array(2 * images).fill(Number.NaN, 2, 3)] };
  const failing = sourceFeatures({ source, size: SIZE, batchSize: 3, workers: 2, embedder: broken, render });
  await expect(failing).rejects.toThrow(NativeError);
  await expect(failing).rejects.toThrow(`received NaN for ${source.name(1)}`);
});

test("rows have norm 1, except those of zeros, which stay zeros", () => {
  const value = fc.float({ noNaN: true, min: -1000, max: 1000 });
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value, value), { maxLength: 8 }), (list) => {
      const rows = normaliseRows(Float32Array.from(list.flat()), 3);
      for (const [row, [a, b, c]] of list.entries()) {
        const norm = Math.hypot(...rows.subarray(3 * row, 3 * row + 3));
        const before = Math.hypot(a, b, c);
        if (before > 1e-10) expect(norm).toBeCloseTo(1, 5);
        else expect(norm).toBeLessThanOrEqual(1 + 1e-5);
      }
    }),
  );
});
