import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { type ImageSource, openImageSource } from "../../ts/dataset/image-source.js";
import { DataError } from "../../ts/errors.js";
import { openViewBatch } from "../../ts/native/engine.js";
import type { PicturedImage } from "../../ts/picture/image-section.js";
import { type PreviewRequest, previewedImages } from "../../ts/picture/previewed-images.js";
import { PHOTOMETRIC_DEFAULTS } from "../../ts/recipe/photometric.js";
import { trainingBatches } from "../../ts/views/training-batches.js";
import { temporaryFolder } from "../native/fake-libtorch.js";
import { OPTIONS } from "./synthetic.js";

const CROPS = { ...OPTIONS, photometric: PHOTOMETRIC_DEFAULTS };

async function folder(images: number, damaged: number): Promise<ImageSource> {
  const root = temporaryFolder();
  for (let at = 0; at < images; at++) {
    const noise = { type: "gaussian" as const, mean: 128, sigma: 60 };
    const image = sharp({ create: { width: 90 + at, height: 70, channels: 3, background: "black", noise } });
    await image.jpeg().toFile(join(root, `${at}.jpg`));
  }
  for (let at = 0; at < damaged; at++) writeFileSync(join(root, `damaged-${at}.jpg`), "no image");
  return openImageSource(root, "flat-folder");
}

async function previewed(source: ImageSource, change: Partial<PreviewRequest> = {}) {
  const skipped: string[] = [];
  const images: PicturedImage[] = [];
  const request = { source, crops: CROPS, seed: 3, epoch: 0, images: 4, maxPixels: 1e6 };
  const onSkipped = ({ file }: { file: string }) => skipped.push(file);
  for await (const image of previewedImages({ ...request, onSkipped, ...change })) images.push(image);
  return { images, skipped };
}

test("views are those that training makes with the same seed, in the order of the epoch", async () => {
  const source = await folder(6, 0);
  const { images } = await previewed(source, { epoch: 1 });
  const batches = trainingBatches({
    source,
    crops: CROPS,
    seed: 3,
    batchSize: 4,
    epochs: 2,
    from: { epoch: 1, index: 0 },
    workers: 2,
    prefetchBatches: 1,
    limits: { maxPixels: 1e6, decodedBytes: 1e8 },
    openBatch: openViewBatch,
  });
  for await (const { views } of batches) {
    using batch = views;
    const { globalViews, localViews } = batch.pixels();
    const shown = [...images.map(({ globals }) => globals[0]), ...images.map(({ globals }) => globals[1])];
    expect(Buffer.concat(shown).equals(globalViews)).toBe(true);
    const locals = Array.from({ length: CROPS.localCrops }, (_, at) =>
      images.map((image) => image.locals[at] as Uint8Array),
    );
    expect(Buffer.concat(locals.flat()).equals(localViews)).toBe(true);
  }
});

test("a file that cannot be decoded is told, and the next image of the epoch shown", async () => {
  const { images, skipped } = await previewed(await folder(3, 2), { images: 5 });
  expect(images.map(({ title }) => title).sort()).toEqual(["0.jpg", "1.jpg", "2.jpg"]);
  expect(skipped).toHaveLength(2);
});

test("where no image can be decoded the error says how to find them all", async () => {
  const source = await folder(0, 2);
  await expect(previewed(source)).rejects.toThrow(DataError);
  await expect(previewed(source)).rejects.toMatchObject({ hint: expect.stringContaining("data check") });
});
