/** The stream of batches over every kind of source: the same whatever goes on at the same time, and from any position. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { type ImageSource, openImageSource } from "../../ts/dataset/image-source.js";
import { openMixture } from "../../ts/dataset/mixture.js";
import { put, tarOf } from "../dataset/samples.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { collected, content, imagesOf, writer, writtenRequest } from "./written-batches.js";

/** Image n is n pixels wider than 16; number 4 of each set of files cannot be decoded. */
async function images(from: number, to: number): Promise<readonly Buffer[]> {
  return Promise.all(
    Array.from({ length: to - from }, (_, at) => {
      const background = { r: 3 * (from + at), g: 0, b: 0 };
      const image = sharp({ create: { width: 16 + from + at, height: 24, channels: 3, background } });
      return at === 4 ? Buffer.from("no image") : image.png().toBuffer();
    }),
  );
}

async function classFolders(root: string): Promise<string> {
  for (const [at, bytes] of (await images(0, 7)).entries())
    put(root, { [`folders/c${at % 2}/${at}.png`]: bytes });
  return join(root, "folders");
}

async function list(root: string): Promise<string> {
  const files = await images(7, 13);
  for (const [at, bytes] of files.entries()) put(root, { [`files/${at}.png`]: bytes });
  writeFileSync(join(root, "list.csv"), files.map((_, at) => `files/${at}.png,${at % 3}`).join("\n"));
  return join(root, "list.csv");
}

async function shards(root: string): Promise<string> {
  for (const shard of [0, 1, 2]) {
    const files = (await images(13 + 5 * shard, 18 + 5 * shard)).map(
      (bytes, at) => [`${at}.png`, bytes] as const,
    );
    tarOf(join(root, `shards/${shard}.tar`), Object.fromEntries(files));
  }
  return join(root, "shards/{0..2}.tar");
}

const options = (root: string) => ({ cache: join(root, "cache"), shuffleBuffer: 6 });

const kinds: Readonly<Record<string, (root: string) => Promise<ImageSource>>> = {
  "class folders": async (root) => openImageSource(await classFolders(root), "auto", options(root)),
  "a list": async (root) => openImageSource(await list(root), "auto", options(root)),
  shards: async (root) => openImageSource(await shards(root), "auto", options(root)),
  "a mixture": async (root) =>
    openMixture(
      [
        { path: await classFolders(root), kind: "auto", weight: 1 },
        { path: await list(root), kind: "auto", weight: 3 },
        { path: await shards(root), kind: "auto", weight: 1 },
      ],
      options(root),
    ),
};

/** Reads take as long as they like, so that images come in any order. */
function slow(source: ImageSource, delays: fc.Stream<number>): ImageSource {
  const read = async (index: number) => {
    await wait(delays);
    return source.read(index);
  };
  return { ...source, read };
}

/** Milliseconds. */
function wait(delays: fc.Stream<number>): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, delays.next().value));
}

describe.each(Object.entries(kinds))("of %s", (_, open) => {
  test("the stream is the same from any position, in whatever order reads and renderings end", async () => {
    const source = await open(temporaryFolder());
    const whole = (await collected(writtenRequest({ source, epochs: 3 }))).map(content);
    const perEpoch = Math.floor(source.count / 3);
    expect(whole).toHaveLength(3 * perEpoch);
    const work = fc.record({
      delays: fc.infiniteStream(fc.integer({ min: 0, max: 4 })),
      workers: fc.integer({ min: 1, max: 8 }),
      prefetchBatches: fc.integer({ min: 0, max: 5 }),
      skip: fc.integer({ min: 0, max: whole.length - 1 }),
    });
    await fc.assert(
      fc.asyncProperty(work, async ({ delays, workers, prefetchBatches, skip }) => {
        const request = writtenRequest({
          source: slow(source, delays),
          epochs: 3,
          from: { epoch: Math.floor(skip / perEpoch), index: skip % perEpoch },
          workers,
          prefetchBatches,
          openBatch: writer(() => wait(delays)).openBatch,
        });
        expect((await collected(request)).map(content)).toEqual(whole.slice(skip));
      }),
      { numRuns: 12 },
    );
  });

  test("an epoch shows its order, and what cannot be decoded is named and replaced from it", async () => {
    const source = await open(temporaryFolder());
    const [batch] = await collected(writtenRequest({ source, epochs: 1, batchSize: source.count }));
    const order = source.order(5, 0);
    const skipped = new Set(batch?.skipped.map(({ sample }) => sample));
    const sizes = new Map<number, number>();
    for (const sample of order) sizes.set(sample, await widthOf(source, sample));
    expect(
      [...order].filter((sample) => sizes.get(sample) === 0).every((sample) => skipped.has(sample)),
    ).toBe(true);
    expect(batch?.skipped.every(({ file, sample }) => file === source.name(sample))).toBe(true);
    for (const [place, [, width]] of imagesOf(batch as never).entries()) {
      const asked = sizes.get(order[place] as number);
      if (asked !== 0) expect(width).toBe(asked);
      else expect([...sizes.values()]).toContain(width);
    }
  });
});

async function widthOf(source: ImageSource, sample: number): Promise<number> {
  const bytes = await source.read(sample);
  return sharp(bytes)
    .metadata()
    .then(
      ({ width }) => width,
      () => 0,
    );
}

test("an image that a mixture shows twice in an epoch has other views each time", async () => {
  const root = temporaryFolder();
  const parts = [
    { path: await list(root), kind: "auto" as const, weight: 5 },
    { path: await shards(root), kind: "auto" as const, weight: 1 },
  ];
  const source = await openMixture(parts, options(root));
  const [batch] = await collected(writtenRequest({ source, epochs: 1, batchSize: source.count }));
  const recipes = imagesOf(batch as never).map(([, , , recipe]) => JSON.stringify(recipe));
  expect(new Set(source.order(5, 0)).size).toBeLessThan(source.count);
  expect(new Set(recipes).size).toBe(source.count);
});
