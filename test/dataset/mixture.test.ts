import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { epochOrder } from "../../ts/dataset/epoch-order.js";
import type { ImageSource } from "../../ts/dataset/image-source.js";
import { mixture, openMixture } from "../../ts/dataset/mixture.js";
import { DataError } from "../../ts/errors.js";
import { contentsOf, folderOf, keysOf, labelsOf, tarOf } from "./samples.js";

/** A source of so many images that cannot be read. */
function countable(count: number): ImageSource {
  const nowhere = async () => Buffer.alloc(0);
  const order = (seed: number, epoch: number) => epochOrder(count, seed, epoch);
  const text = { kind: "flat-folder", root: `/${count}`, arrangement: "" } as const;
  return { ...text, count, classes: [], name: String, key: String, label: () => -1, read: nowhere, order };
}

const parts = fc.array(
  fc.record({ count: fc.integer({ min: 5, max: 60 }), weight: fc.double({ min: 0.5, max: 4, noNaN: true }) }),
  { minLength: 1, maxLength: 5 },
);

test("an epoch has as many samples as there are images, in the ratio of the weights", () => {
  fc.assert(
    fc.property(parts, fc.nat({ max: 50 }), (given, epoch) => {
      const mixed = mixture(
        given.map(({ count }) => countable(count)),
        given.map(({ weight }) => weight),
      );
      const total = given.reduce((sum, { count }) => sum + count, 0);
      const weights = given.reduce((sum, { weight }) => sum + weight, 0);
      const order = mixed.order(7, epoch);
      expect([mixed.count, order.length]).toEqual([total, total]);
      let start = 0;
      for (const { count, weight } of given) {
        const shown = order.filter((sample) => sample >= start && sample < start + count).length;
        expect(Math.abs(shown - (total * weight) / weights)).toBeLessThan(1);
        start += count;
      }
    }),
  );
});

test("over epochs no image of a part is shown twice before all others of it were shown", () => {
  fc.assert(
    fc.property(parts, fc.nat({ max: 20 }), (given, seed) => {
      const mixed = mixture(
        given.map(({ count }) => countable(count)),
        given.map(({ weight }) => weight),
      );
      const shown = new Uint32Array(mixed.count);
      for (let epoch = 0; epoch < 6; epoch++) {
        for (const sample of mixed.order(seed, epoch)) shown[sample] = (shown[sample] as number) + 1;
      }
      let start = 0;
      for (const { count } of given) {
        const times = shown.subarray(start, start + count);
        expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(1);
        start += count;
      }
    }),
  );
});

test("an epoch is a function of seed and epoch alone, and its parts are spread over all of it", () => {
  const mixed = mixture([countable(300), countable(300)], [1, 2]);
  expect(mixed.order(1, 5)).toEqual(mixture([countable(300), countable(300)], [1, 2]).order(1, 5));
  expect(mixed.order(1, 5)).not.toEqual(mixed.order(1, 6));
  expect(mixed.order(1, 5)).not.toEqual(mixed.order(2, 5));
  for (const start of [0, 200, 400]) {
    const first = mixed
      .order(1, 5)
      .subarray(start, start + 200)
      .filter((sample) => sample < 300).length;
    expect(first).toBeGreaterThan(40);
    expect(first).toBeLessThan(95);
  }
});

test("parts of every kind are one source, and classes of one name are one class", async () => {
  const root = folderOf("folders/cat/1.jpg", "folders/dog/2.jpg", "flat/3.jpg", "4.jpg", {
    "list.csv": "path,label\n4.jpg,dog\n",
  });
  tarOf(join(root, "a.tar"), { "5.jpg": "5.jpg", "5.cls": "bee" });
  const kinds = ["folders", "flat", "list.csv", "a.tar"];
  const given = kinds.map((name) => ({ path: join(root, name), kind: "auto" as const, weight: 1 }));
  const mixed = await openMixture(given, { cache: join(root, "cache") });
  expect(mixed.kind).toBe("mixture");
  expect(mixed.classes).toEqual(["bee", "cat", "dog"]);
  expect(keysOf(mixed)).toEqual(["0/cat/1.jpg", "0/dog/2.jpg", "1/3.jpg", "2/4.jpg", "3/a.tar/5.jpg"]);
  expect(labelsOf(mixed)).toEqual([1, 2, -1, 2, 0]);
  expect(await contentsOf(mixed)).toEqual([
    "folders/cat/1.jpg",
    "folders/dog/2.jpg",
    "flat/3.jpg",
    "4.jpg",
    "5.jpg",
  ]);
  expect(mixed.name(4)).toBe(join(root, "a.tar/5.jpg"));
  for (const index of [-1, 5, 0.5]) expect(() => mixed.name(index)).toThrow(RangeError);
});

test("a weight so small that an epoch has no image of its source is refused", () => {
  expect(() => mixture([countable(5), countable(5)], [1, 0.01])).toThrow(DataError);
  expect(() => mixture([countable(5), countable(5)], [1, 0.01])).toThrow(/received none for \/5/);
});
