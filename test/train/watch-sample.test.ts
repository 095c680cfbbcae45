import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { type ImageSource, openImageSource } from "../../ts/dataset/image-source.js";
import { chosenImages, evenBatches, WatchSample } from "../../ts/train/watch-sample.js";
import { damagePhotos, sharedFolder, writePhotos } from "../end-to-end/photos.js";
import { exampleConfig } from "../run/example-run.js";

const folder = sharedFolder();
const SMALL = ["model.patchSize=8", "crops.globalSize=16", "crops.localSize=16", "crops.globalWindow=2"];
let source: ImageSource;

beforeAll(async () => {
  await writePhotos(join(folder, "photos"), 24);
  source = await openImageSource(join(folder, "photos"), "auto");
});

function sampleOf(images: ImageSource, ...set: string[]): WatchSample {
  return new WatchSample(exampleConfig(folder, ...SMALL, "evaluate.watch.images=10", ...set), images);
}

/** Views of a sample, image by image: the first and the second of each. */
async function viewsOf(sample: WatchSample): Promise<string[]> {
  const images: string[] = [];
  for await (const { shape, pixels } of iterate(sample)) {
    const { globalViews } = pixels();
    const length = globalViews.length / 2 / shape.images;
    const view = (place: number) =>
      Buffer.from(globalViews.subarray(place * length, (place + 1) * length)).toString("base64");
    for (let image = 0; image < shape.images; image++) images.push(view(image), view(shape.images + image));
  }
  return images;
}

async function* iterate(sample: WatchSample) {
  for await (const views of sample.views()) yield { shape: views.shape, pixels: () => views.pixels() };
}

test("a sample's views are a function of the seed, whatever the batches, and the same each time", async () => {
  using sample = sampleOf(source, "training.batchSize=5");
  using again = sampleOf(source, "training.batchSize=16", "data.workers=3");
  using other = sampleOf(source, "training.batchSize=16", "seed=1");
  const views = await viewsOf(sample);
  expect(new Set(views).size).toBe(20);
  expect(await viewsOf(sample)).toEqual(views);
  expect(await viewsOf(again)).toEqual(views);
  const others = new Set(await viewsOf(other));
  expect(views.filter((view) => others.has(view))).toEqual([]);
});

test("an image that cannot be decoded is replaced by another of the sample", async () => {
  const damaged = join(folder, "damaged");
  await writePhotos(damaged, 12);
  damagePhotos(damaged, [0, 5]);
  using sample = sampleOf(await openImageSource(damaged, "auto"), "evaluate.watch.images=12");
  const views = await viewsOf(sample);
  expect(views).toHaveLength(24);
  expect(new Set(views).size).toBe(24);
});

test("a receiver that stops early leaves a sample that can be asked again", async () => {
  using sample = sampleOf(source, "training.batchSize=4");
  for await (const views of sample.views()) {
    expect(views.shape.images).toBe(3);
    break;
  }
  expect(await viewsOf(sample)).toHaveLength(18);
});

test("batches are even, no larger than asked, and leave out fewer images than there are batches", () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 3000 }), fc.integer({ min: 1, max: 600 }), (images, largest) => {
      const { batchSize, count } = evenBatches(images, largest);
      const batches = count / batchSize;
      expect(Number.isInteger(batches)).toBe(true);
      expect(batchSize).toBeLessThanOrEqual(largest);
      expect(images - count).toBeGreaterThanOrEqual(0);
      expect(images - count).toBeLessThan(batches);
    }),
  );
});

test("the images chosen are different ones, as many as asked, and depend on the seed", () => {
  const numbered = { count: 1_000_000, key: (index: number) => String(index) } as ImageSource;
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), (count, seed) => {
      const chosen = chosenImages(numbered, seed, count);
      const keys = Array.from({ length: count }, (_, index) => chosen.key(index));
      expect(new Set(keys).size).toBe(count);
      expect(keys.map(Number).every((key) => key >= 0 && key < numbered.count)).toBe(true);
    }),
  );
  const all = chosenImages({ ...numbered, count: 50 }, 3, 50);
  expect(Array.from({ length: 50 }, (_, index) => Number(all.key(index)))).toEqual(
    Array.from({ length: 50 }, (_, index) => index),
  );
});
