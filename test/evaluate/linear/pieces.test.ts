import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { openImageSource } from "../../../ts/dataset/image-source.js";
import { accuracyInterval } from "../../../ts/evaluate/linear/bootstrap.js";
import { splitTrain } from "../../../ts/evaluate/linear/held-out-part.js";
import { requireSameClasses } from "../../../ts/evaluate/linear/labels.js";
import { columnsOf, rowLayout, rowsOf } from "../../../ts/evaluate/linear/row-layout.js";
import { learningRate } from "../../../ts/evaluate/linear/schedule.js";
import { bestOf } from "../../../ts/evaluate/linear/scores.js";
import { candidatesOf, linearSettings } from "../../../ts/evaluate/linear/settings.js";
import { put, temporaryFolder } from "../../native/fake-libtorch.js";

const MODEL = { width: 3, depth: 6, heads: 1, patchSize: 16, imageSize: 224, classTokens: 2 };

describe("settings", () => {
  test("are the reference's where nothing is given", () => {
    const settings = linearSettings({}, MODEL);
    expect(settings).toMatchObject({
      reference: { learningRate: 0.02, lastBlocks: 4, averagePatches: false },
      epochs: 100,
      batchSize: 256,
      momentum: 0.9,
      minimumRate: 0,
      imageSize: 224,
      resizeTo: 256,
      autoAugment: "rand-m9-mstd0.5-inc1",
      erasing: { probability: 0.25, mode: "pixel", count: 1 },
    });
    const wide = linearSettings({}, { ...MODEL, width: 768 });
    expect(wide.reference).toEqual({ learningRate: 0.02, lastBlocks: 1, averagePatches: true });
  });

  test("the reference's classifier comes first and once", () => {
    const candidates = candidatesOf(linearSettings({}, MODEL));
    expect(candidates).toHaveLength(13 * 2 * 2);
    expect(candidates[0]).toEqual({ learningRate: 0.02, lastBlocks: 4, averagePatches: false });
    expect(new Set(candidates.map((candidate) => JSON.stringify(candidate))).size).toBe(candidates.length);
    expect(candidatesOf(linearSettings({ grid: null }, MODEL))).toHaveLength(1);
  });

  test("random erasing is left as the reference's where a part of it is given, and out with a probability of 0", () => {
    const erasing = (given: Parameters<typeof linearSettings>[0]) => linearSettings(given, MODEL).erasing;
    expect(erasing({ erasing: { mode: "const" } })).toEqual({ probability: 0.25, mode: "const", count: 1 });
    expect(erasing({ erasing: { probability: 0 } })).toBeNull();
    expect(erasing({ erasing: null })).toBeNull();
  });

  test("nothing is drawn where features are computed once", () => {
    const { autoAugment, erasing } = linearSettings({ augment: false, erasing: { probability: 0 } }, MODEL);
    expect({ autoAugment, erasing }).toEqual({ autoAugment: null, erasing: null });
  });

  test.each([
    [{ autoAugment: "rand-m12" }, /auto-augment rand-m12: expected sections/],
    [{ erasing: { probability: 1.5 } }, /erasing.probability: expected a share from 0 to 1, received 1.5/],
    [{ erasing: { count: 0 } }, /erasing.count: expected a whole number from 1 to 100, received 0/],
    [{ augment: false, autoAugment: "rand" }, /autoAugment: expected nothing without augmentation/],
    [{ augment: false, erasing: { count: 2 } }, /erasing: expected nothing without augmentation/],
    [{ reference: { lastBlocks: 7 } }, /lastBlocks: expected a whole number from 1 to 6, received 7/],
    [{ reference: { learningRate: 0 } }, /learningRate: expected a finite number above 0, received 0/],
    [{ selectShare: 1 }, /selectShare: expected a share from 0, below 1, received 1/],
    [{ epochs: 0 }, /epochs: expected a whole number of at least 1, received 0/],
    [{ resizeTo: 200 }, /resizeTo: expected at least the image size 224, received 200/],
  ])("%j is refused", (given, message) => {
    expect(() => linearSettings(given, MODEL)).toThrow(message);
  });

  test("a token that the model lacks is refused", () => {
    const one = { ...MODEL, classTokens: 1 };
    expect(() => linearSettings({ token: "cls+" }, one)).toThrow(/token: expected cls/);
  });
});

test("the learning rate falls along a cosine that the reference's numbers lie on", () => {
  const settings = { batchSize: 16, epochs: 4, minimumRate: 0 };
  const rates = [0, 1, 2, 3].map((epoch) => learningRate({ learningRate: 0.02 }, settings, epoch));
  // golden/linear/case.json
  const expected = [0.00125, 0.0010669417382415923, 0.000625, 0.00018305826175840783];
  for (const [at, rate] of rates.entries()) expect(rate).toBeCloseTo(expected[at] as number, 15);
  expect(learningRate({ learningRate: 0.02 }, { ...settings, minimumRate: 0.001 }, 2)).toBeCloseTo(
    0.001125,
    12,
  );
});

describe("rows", () => {
  const pooled = (blocks: number, rows: number, width: number) => {
    // Image, block and row can be read from each value.
    const values = Float32Array.from({ length: 2 * blocks * rows * width }, (_, at) => {
      const row = Math.floor(at / width);
      return 100 * Math.floor(row / (blocks * rows)) + 10 * (Math.floor(row / rows) % blocks) + (row % rows);
    });
    return { values, blocks, rows };
  };

  test("what each classifier sees is neighbouring columns", () => {
    const candidates = [
      { learningRate: 1, lastBlocks: 2, averagePatches: false },
      { learningRate: 1, lastBlocks: 1, averagePatches: true },
      { learningRate: 1, lastBlocks: 2, averagePatches: true },
    ];
    const layout = rowLayout(candidates, "cls", MODEL);
    const rows = rowsOf(pooled(2, 3, 3), layout);
    const seen = candidates.map((candidate) => {
      const { firstColumn, columns } = columnsOf(candidate, layout);
      return [...rows.subarray(layout.width + firstColumn, layout.width + firstColumn + columns)];
    });
    const part = (value: number) => [value, value, value];
    expect(seen).toEqual([
      [...part(100), ...part(110)],
      [...part(110), ...part(112)],
      [...part(100), ...part(110), ...part(112)],
    ]);
  });

  test("both class tokens of a block stand side by side", () => {
    const candidate = { learningRate: 1, lastBlocks: 1, averagePatches: false };
    const layout = rowLayout([candidate], "cls,cls+", MODEL);
    expect([...rowsOf(pooled(1, 2, 3), layout)].slice(0, 6)).toEqual([0, 0, 0, 1, 1, 1]);
    expect(columnsOf(candidate, layout)).toEqual({ firstColumn: 0, columns: 6 });
  });
});

describe("the held-out part", () => {
  const labels = fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 40, maxLength: 300 });

  test("takes its share, of every class alike, and leaves each class something to learn from", () => {
    fc.assert(
      fc.property(
        labels,
        fc.double({ min: 0.05, max: 0.5, noNaN: true }),
        fc.nat(),
        (labels, share, seed) => {
          const { trained, heldOut } = splitTrain(labels, share, seed);
          expect([...trained, ...heldOut].sort((a, b) => a - b)).toEqual([...labels.keys()]);
          const count = (indices: Uint32Array, label: number) =>
            indices.filter((index) => labels[index] === label).length;
          for (const label of new Set(labels)) {
            const [kept, held] = [count(trained, label), count(heldOut, label)];
            expect(kept).toBeGreaterThanOrEqual(1);
            expect(held).toBeLessThan(share * (kept + held) + 8);
          }
          expect(heldOut.length).toBeLessThanOrEqual(Math.round(share * labels.length));
        },
      ),
    );
  });

  test("is the same for the same seed and another for another", () => {
    const labels = Array.from({ length: 100 }, (_, index) => index % 4);
    const held = (seed: number) => [...splitTrain(labels, 0.2, seed).heldOut];
    expect(held(1)).toHaveLength(20);
    expect(held(1)).toEqual(held(1));
    expect(held(1)).not.toEqual(held(2));
  });

  test("of one image a class there is none, which is one clear error", () => {
    expect(() => splitTrain([0, 1, 2], 0.1, 0)).toThrow(/expected images to choose the best classifier on/);
    expect(splitTrain([0, 1, 2], 0, 0).heldOut).toHaveLength(0);
  });
});

describe("the interval", () => {
  test("holds the accuracy and is as wide as the normal approximation says", () => {
    const hits = Uint8Array.from({ length: 400 }, (_, index) => (index % 4 === 0 ? 1 : 0));
    const [low, high] = accuracyInterval(hits, 0);
    const wide = 2 * 1.96 * Math.sqrt((0.25 * 0.75) / 400);
    expect(low).toBeLessThan(0.25);
    expect(high).toBeGreaterThan(0.25);
    expect(high - low).toBeGreaterThan(0.8 * wide);
    expect(high - low).toBeLessThan(1.2 * wide);
    expect(accuracyInterval(hits, 0)).toEqual([low, high]);
  });

  test("of images that are all right is a point", () => {
    expect(accuracyInterval(new Uint8Array(9).fill(1), 0)).toEqual([1, 1]);
  });
});

test("of equal top-1 the larger top-5 is best, then the first, and never one that diverged", () => {
  const accuracy = (top1: number, top5: number) => ({ top1, top5 });
  const accuracies = [accuracy(0.5, 0.7), accuracy(0.6, 0.7), accuracy(0.6, 0.8), accuracy(0.6, 0.8)];
  expect(bestOf(accuracies, [1, 1, 1, 1])).toBe(2);
  expect(bestOf(accuracies, [null, 1, null, 1])).toBe(3);
  expect(bestOf(accuracies, [null, null, null, null])).toBe(0);
});

describe("classes", () => {
  async function sourceOf(...classes: readonly string[]) {
    const root = temporaryFolder();
    for (const name of classes) put(join(root, name, "1.png"));
    return openImageSource(root, "class-folders");
  }

  test("that val lacks, or has alone, are named", async () => {
    const [three, two] = [await sourceOf("bee", "cat", "dog"), await sourceOf("bee", "cat")];
    expect(() => requireSameClasses(three, two)).toThrow(/the 3 classes of .*, "dog" missing/);
    expect(() => requireSameClasses(two, three)).toThrow(/the 3 classes of .*, "dog" missing/);
    requireSameClasses(two, two);
  });

  test("must be there and be two", async () => {
    const one = await sourceOf("bee");
    expect(() => requireSameClasses(one, one)).toThrow(/at least two classes, received one/);
    const flat = await openImageSource(one.root, "flat-folder");
    expect(() => requireSameClasses(flat, flat)).toThrow(/needs labels/);
  });
});
