import { rmSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { epochOrder } from "../../ts/dataset/epoch-order.js";
import { ArgumentError, DataError } from "../../ts/errors.js";
import {
  type OpenBatch,
  type TrainingBatch,
  type TrainingBatchesRequest,
  trainingBatches,
} from "../../ts/views/training-batches.js";
import { imageFolder } from "./image-folder.js";
import { collected, content, type Written, writer, writtenRequest } from "./written-batches.js";

async function requestFor(images: number, changes: Partial<TrainingBatchesRequest> = {}) {
  return writtenRequest({ source: changes.source ?? (await imageFolder({ images })), ...changes });
}

describe("the stream", () => {
  test("gives every epoch's whole batches in the epoch's order", async () => {
    const batches = await collected(await requestFor(10));
    expect(batches.map(({ epoch, index }) => [epoch, index])).toEqual(
      [0, 1].flatMap((e) => [0, 1, 2].map((i) => [e, i])),
    );
    for (const epoch of [0, 1]) {
      const shown = batches
        .filter((batch) => batch.epoch === epoch)
        .flatMap(({ views }) => {
          const [shape, ...images] = JSON.parse((views as Written).text);
          expect(shape).toEqual({ images: 3, globalSize: 16, localCrops: 2, localSize: 8 });
          return images.map(([pixel, width, height]: number[]) => {
            expect([pixel, height]).toEqual([7 * ((width as number) - 16), 24]);
            return (width as number) - 16;
          });
        });
      expect(shown).toEqual([...epochOrder(10, 5, epoch).subarray(0, 9)]);
    }
  });

  test("is the same whatever the number of workers and batches ahead, and from any position", async () => {
    const source = await imageFolder({ images: 11, damaged: [4] });
    const whole = (await collected(await requestFor(11, { source, epochs: 3 }))).map(content);
    const places = fc.record({
      workers: fc.integer({ min: 1, max: 5 }),
      prefetchBatches: fc.integer({ min: 0, max: 5 }),
      skip: fc.integer({ min: 0, max: 9 }),
    });
    await fc.assert(
      fc.asyncProperty(places, async ({ workers, prefetchBatches, skip }) => {
        const from = { epoch: Math.floor(skip / 3), index: skip % 3 };
        const rest = await collected(
          await requestFor(11, { source, epochs: 3, workers, prefetchBatches, from }),
        );
        expect(rest.map(content)).toEqual(whole.slice(skip));
      }),
      { numRuns: 25 },
    );
  });

  test("the end of an epoch is the start of the next", async () => {
    const source = await imageFolder({ images: 7 });
    const [end] = await collected(await requestFor(7, { source, from: { epoch: 0, index: 2 } }));
    const [start] = await collected(await requestFor(7, { source, from: { epoch: 1, index: 0 } }));
    expect(content(end as TrainingBatch)).toEqual(content(start as TrainingBatch));
  });

  test("another seed shows other views", async () => {
    const source = await imageFolder({ images: 6 });
    const [one] = await collected(await requestFor(6, { source, seed: 1 }));
    const [two] = await collected(await requestFor(6, { source, seed: 2 }));
    expect(content(one as TrainingBatch)).not.toEqual(content(two as TrainingBatch));
  });
});

describe("files that cannot be decoded", () => {
  test("are replaced by other images, and reported with their reason", async () => {
    const damaged = [1, 4, 8];
    const source = await imageFolder({ images: 12, damaged });
    const batches = await collected(await requestFor(12, { source, epochs: 1 }));
    const skipped = batches.flatMap((batch) => batch.skipped);
    expect(batches).toHaveLength(4);
    expect(new Set(skipped.map(({ sample }) => sample))).toEqual(new Set(damaged));
    for (const { file, sample, epoch, reason } of skipped) {
      expect([file, epoch]).toEqual([source.name(sample), 0]);
      expect(reason).toMatch(/expected an image/);
    }
  });

  test("stop the stream only when nothing else is left", async () => {
    const all = Array.from({ length: 6 }, (_, number) => number);
    const source = await imageFolder({ images: 6, damaged: all });
    const error = await collected(await requestFor(6, { source })).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toMatch(/images in a row cannot be decoded/);
    const one = await imageFolder({ images: 6, damaged: all.slice(1) });
    expect(await collected(await requestFor(6, { source: one, epochs: 1 }))).toHaveLength(2);
  });
});

test("images that vanish with their disk stop the stream, and the way out says so", async () => {
  const source = await imageFolder({ images: 6 });
  rmSync(source.root, { recursive: true });
  const error = await collected(await requestFor(6, { source })).catch((thrown: unknown) => thrown);
  expect((error as DataError).message).toMatch(/64 images in a row .*: the file does not exist, or no more$/);
  expect((error as DataError).hint).toMatch(/unmounted/);
});

test("decoded images take no more memory than they may, however many are in work and ahead", async () => {
  const source = await imageFolder({ images: 40, height: 2000 });
  const { openBatch, most } = writer(() => new Promise((resolve) => setTimeout(resolve, 2)));
  const limits = { maxPixels: 1e6, decodedBytes: 1_000_000 };
  const work = { workers: 8, prefetchBatches: 3, batchSize: 20, epochs: 1, limits, openBatch };
  await collected(await requestFor(40, { source, ...work }));
  expect(most.bytes).toBeGreaterThan(most.largest);
  expect(most.bytes).toBeLessThanOrEqual(1_000_000);
  const alone = writer();
  await collected(
    await requestFor(40, {
      source,
      ...work,
      limits: { ...limits, decodedBytes: 1 },
      openBatch: alone.openBatch,
    }),
  );
  expect(alone.most.bytes).toBe(alone.most.largest);
});

describe("a consumer that stops", () => {
  test("leaves nothing running and nothing in memory but the batches that it took", async () => {
    const { openBatch, alive, made } = writer();
    const stream = trainingBatches(await requestFor(30, { openBatch, prefetchBatches: 4, epochs: 100 }));
    const first = (await stream.next()).value as TrainingBatch;
    await new Promise((resolve) => setTimeout(resolve, 100));
    await stream.return(undefined);
    const rendered = made.length;
    expect(rendered).toBeGreaterThan(1);
    expect(alive.size).toBe(1);
    expect((first.views as Written).disposed()).toBe(false);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([made.length, alive.size]).toEqual([rendered, 1]);
    expect((await stream.next()).done).toBe(true);
  });

  test("no more batches are made ahead than asked for", async () => {
    for (const prefetchBatches of [0, 1, 3]) {
      const { openBatch, made } = writer();
      const stream = trainingBatches(await requestFor(30, { openBatch, prefetchBatches }));
      await stream.next();
      await expect.poll(() => made.length).toBe(1 + prefetchBatches);
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(made.length).toBe(1 + prefetchBatches);
      await stream.return(undefined);
    }
  });

  test("a renderer that fails ends the stream, after the batches made before", async () => {
    const { openBatch: open, alive } = writer();
    let opened = 0;
    // Batches are opened in their order; they need not be finished in it.
    const openBatch: OpenBatch = (shape) => {
      const batch = open(shape);
      const fails = ++opened === 3;
      const finish = async () => {
        if (fails) throw new Error("out of memory");
        return batch.finish();
      };
      return { ...batch, finish };
    };
    const stream = trainingBatches(await requestFor(30, { openBatch, workers: 1, prefetchBatches: 5 }));
    const taken: TrainingBatch[] = [];
    const reading = async () => {
      for await (const batch of stream) taken.push(batch);
    };
    await expect(reading()).rejects.toThrow("out of memory");
    expect(taken.map(({ index }) => index)).toEqual([0, 1]);
    for (const { views } of taken) views[Symbol.dispose]();
    expect(alive.size).toBe(0);
  });
});

describe("a request that makes no sense is one error", () => {
  const cases: [string, Partial<TrainingBatchesRequest>, new (message: string) => Error, RegExp][] = [
    [
      "a batch larger than the data set",
      { batchSize: 11 },
      DataError,
      /batch size 11: expected at most the 10 images/,
    ],
    ["an empty batch", { batchSize: 0 }, ArgumentError, /batchSize: .*received 0/],
    ["no workers", { workers: 0 }, ArgumentError, /workers: .*received 0/],
    [
      "a position behind the epoch",
      { from: { epoch: 0, index: 4 } },
      ArgumentError,
      /from.index: expected 0 to 3, received 4/,
    ],
  ];
  test.each(cases)("%s", async (_, changes, kind, message) => {
    const error = await collected(await requestFor(10, changes)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(kind);
    expect((error as Error).message).toMatch(message);
  });
});
