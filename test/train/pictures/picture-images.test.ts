import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { openImageSource } from "../../../ts/dataset/image-source.js";
import { DataError } from "../../../ts/errors.js";
import { chosenSamples, firstViews, type PictureImages } from "../../../ts/train/pictures/picture-images.js";
import { USUAL_LIMITS } from "../../../ts/views/read-image.js";
import { damagePhotos, writePhotos } from "../../end-to-end/photos.js";
import { temporaryFolder } from "../../run/temporary-folder.js";

test("samples differ from each other, lie among the images, and are a function of the seed", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 40), fc.integer({ min: 1, max: 500 }), fc.nat(600), (seed, count, wanted) => {
      const samples = chosenSamples(seed, count, wanted);
      expect(samples).toHaveLength(Math.min(count, wanted));
      expect(new Set(samples).size).toBe(samples.length);
      for (const sample of samples) expect(sample).toBeLessThan(count);
      expect(chosenSamples(seed, count, wanted)).toEqual(samples);
    }),
  );
});

test("more images in the pool leave the images that are shown as they are", () => {
  expect(chosenSamples(3, 1000, 300).slice(0, 20)).toEqual(chosenSamples(3, 1000, 20));
  expect(chosenSamples(4, 1000, 20)).not.toEqual(chosenSamples(3, 1000, 20));
});

async function imagesIn(folder: string): Promise<PictureImages> {
  return {
    source: await openImageSource(folder, "auto"),
    size: { resizeTo: 36, crop: 32 },
    batchSize: 4,
    workers: 1,
    limits: USUAL_LIMITS,
    signal: undefined,
  };
}

test("an image that cannot be decoded makes way for the next one", async () => {
  const folder = temporaryFolder();
  await writePhotos(folder, 8);
  const images = await imagesIn(folder);
  const samples = [5, 0, 3, 6];
  const name = images.source.name(0);
  writeFileSync(name, "no image");
  const views = await firstViews(images, samples, 2);
  expect(views.map(({ sample }) => sample)).toEqual([5, 3]);
  for (const { planes } of views) expect(planes).toHaveLength(3 * 32 * 32);
});

test("where none can be decoded the error names the data", async () => {
  const folder = join(temporaryFolder(), "photos");
  await writePhotos(folder, 2);
  const images = await imagesIn(folder);
  damagePhotos(folder, [0, 1]);
  await expect(firstViews(images, [0, 1], 2)).rejects.toThrow(DataError);
  await expect(firstViews(images, [0, 1], 2)).rejects.toThrow(`data ${folder}: none of the images`);
});
