import fc from "fast-check";
import { expect, test } from "vitest";
import { pixelEncoder, pixelRows, pixelView, pixelWidth } from "../../../ts/evaluate/baselines/pixels.js";
import { normaliseRows } from "../../../ts/evaluate/features.js";

const WIDTH = 12;

/** Two images of two pixels a side, with room to be made brighter. */
const images = fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 2 * WIDTH, maxLength: 2 * WIDTH });

const bytes = (values: readonly number[]) => Uint8Array.from(values);

test("a brighter image has the same row, and each row sums to nothing", () => {
  fc.assert(
    fc.property(images, fc.integer({ min: 0, max: 55 }), (values, more) => {
      const rows = pixelRows(bytes(values), WIDTH);
      const brighter = pixelRows(bytes(values.map((value) => value + more)), WIDTH);
      for (const [at, value] of rows.entries()) expect(brighter[at]).toBeCloseTo(value, 5);
      for (const row of [rows.subarray(0, WIDTH), rows.subarray(WIDTH)])
        expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 5);
    }),
  );
});

test("the cosine of two rows is the correlation of their images", () => {
  fc.assert(
    fc.property(images, (values) => {
      const rows = normaliseRows(pixelRows(bytes(values), WIDTH), WIDTH);
      const [first, second] = [rows.subarray(0, WIDTH), rows.subarray(WIDTH)];
      const cosine = first.reduce((sum, value, at) => sum + value * (second[at] as number), 0);
      expect(cosine).toBeCloseTo(correlation(values.slice(0, WIDTH), values.slice(WIDTH)), 4);
    }),
  );
});

test("an image of one colour has a row of zeros, not of what is no number", () => {
  expect([...normaliseRows(pixelRows(new Uint8Array(WIDTH).fill(77), WIDTH), WIDTH)]).toEqual(
    Array(WIDTH).fill(0),
  );
});

test("a small view is taken as it is, a larger one at 32 pixels in the same proportion", () => {
  expect(pixelView({ resizeTo: 28, crop: 28 })).toEqual({ resizeTo: 28, crop: 28 });
  fc.assert(
    fc.property(fc.integer({ min: 33, max: 600 }), fc.integer({ min: 0, max: 300 }), (crop, border) => {
      const view = pixelView({ resizeTo: crop + border, crop });
      expect(view.crop).toBe(32);
      expect(view.resizeTo).toBeGreaterThanOrEqual(32);
      expect(view.resizeTo / 32).toBeCloseTo((crop + border) / crop, 1);
    }),
  );
});

test("as a network its class token is the row", async () => {
  const size = { resizeTo: 2, crop: 2 };
  const { model, pooled } = pixelEncoder(size);
  const pixels = Uint8Array.from({ length: 2 * WIDTH }, (_, at) => at * 7);
  const { values, blocks, rows } = await pooled(
    { images: 2, height: 2, width: 2, pixels },
    { blocks: 1, patches: false },
  );
  expect([model.width, blocks, rows]).toEqual([pixelWidth(size), 1, 1]);
  expect(values).toEqual(pixelRows(pixels, WIDTH));
});

/** 0 where an image has one colour. */
function correlation(one: readonly number[], other: readonly number[]): number {
  const centred = (values: readonly number[]) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return values.map((value) => value - mean);
  };
  const [a, b] = [centred(one), centred(other)];
  const norms = Math.hypot(...a) * Math.hypot(...b);
  return norms === 0 ? 0 : a.reduce((sum, value, at) => sum + value * (b[at] as number), 0) / norms;
}
