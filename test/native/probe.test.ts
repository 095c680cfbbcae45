import { expect, test } from "vitest";
import { renderCropViews } from "../../ts/native/crop-views.js";
import { openProbe, type ProbeOptions } from "../../ts/native/probe.js";

const OPTIONS: ProbeOptions = {
  rowWidth: 2,
  classes: 2,
  momentum: 0.9,
  seed: 1,
  device: "cpu",
  threads: 1,
  candidates: [
    { firstColumn: 0, columns: 2 },
    { firstColumn: 1, columns: 1 },
  ],
};

/** The second value of a row is its class. */
const BATCH = { rows: Float32Array.of(1, 0, 1, 1, 0, 0, 0, 1), labels: Int32Array.of(0, 1, 0, 1) };

test("classifiers learn what their columns show", async () => {
  await using probe = await openProbe(OPTIONS);
  const first = await probe.step(BATCH, [0.5, 0]);
  let last = first;
  for (let step = 0; step < 60; step++) last = await probe.step(BATCH, [0.5, 0]);
  expect(last[0]).toBeLessThan(0.1);
  expect(last[1]).toBe(first[1]);
  const ranks = await probe.ranks(BATCH);
  expect([...ranks.subarray(0, 4)]).toEqual([0, 0, 0, 0]);
});

test.each([
  [{ classes: 1 }, /classes: expected a whole number from 2/],
  [{ candidates: [] }, /candidates: expected at least one, received none/],
  [{ candidates: [{ firstColumn: 2, columns: 1 }] }, /candidates: expected columns of a row of 2/],
  [{ momentum: 1 }, /momentum: expected a share from 0, below 1/],
  [{ device: "tpu" }, /device: expected cpu/],
])("%j makes no probe", async (changes, message) => {
  await expect(openProbe({ ...OPTIONS, ...changes })).rejects.toThrow(message);
});

test("a batch that does not fit changes nothing", async () => {
  await using probe = await openProbe(OPTIONS);
  const labels = Int32Array.of(0, 1, 2, 1);
  await expect(probe.step({ ...BATCH, labels }, [1, 1])).rejects.toThrow(
    /labels: expected classes from 0 to 1/,
  );
  await expect(probe.step(BATCH, [1])).rejects.toThrow(/learningRates.length: expected 2/);
  const rows = BATCH.rows.with(3, Number.NaN);
  await expect(probe.step({ ...BATCH, rows }, [1, 1])).rejects.toThrow(/rows: expected finite values/);
  await using fresh = await openProbe(OPTIONS);
  expect(await probe.step(BATCH, [0, 0])).toEqual(await fresh.step(BATCH, [0, 0]));
});

test("a closed probe is refused", async () => {
  const probe = await openProbe(OPTIONS);
  await probe.close();
  await expect(probe.ranks(BATCH)).rejects.toThrow(/expected an open probe/);
});

test("a crop view is what its recipe says", async () => {
  const image = { width: 3, height: 2, pixels: Uint8Array.from({ length: 18 }, (_, at) => at) };
  const crop = { top: 0, left: 1, height: 2, width: 2 };
  const plain = { jitter: [], grayscale: false, blurRadius: 0, solarizeThreshold: null, size: 2, crop };
  const views = await renderCropViews(
    [image, image],
    [
      { ...plain, flipped: false },
      { ...plain, flipped: true },
    ],
    2,
  );
  expect([...views.subarray(0, 4)]).toEqual([3, 6, 12, 15]);
  expect([...views.subarray(12, 16)]).toEqual([6, 3, 15, 12]);
  await expect(renderCropViews([image], [], 2)).rejects.toThrow(/recipes: expected an array of length 1/);
});
