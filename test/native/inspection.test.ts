import { afterAll, beforeAll, expect, test } from "vitest";
import { ArgumentError, NonFiniteLossError } from "../../ts/errors.js";
import { type Native, openEngine, renderViews } from "../../ts/native/engine.js";
import { AT, noise, OPTIONS, SHAPE, smallBatch } from "./small-engine.js";
import { smallImages, smallRecipes } from "./small-views.js";

let native: Native;

beforeAll(async () => {
  native = await openEngine(OPTIONS);
});

afterAll(() => native.close());

/** Only global views, as the collapse watch has them. */
function globalsOf(images: number, seed: number) {
  const { globalSize } = SHAPE;
  const globalViews = noise(2 * images * 3 * globalSize ** 2, seed);
  return {
    images,
    globalSize,
    localCrops: 0,
    localSize: 0,
    globalViews,
    localViews: new Uint8Array(),
    maps: null,
  };
}

test("a report has every number in its range, and says how large it could be", async () => {
  const inspection = native.inspection();
  for (const seed of [1, 2, 3]) await inspection.add(globalsOf(8, seed));
  const report = await inspection.report(0.05);
  expect(report).toMatchObject({ images: 24, largestRank: OPTIONS.model.width });
  expect(report.largestEntropy).toBeCloseTo(Math.log(OPTIONS.model.head.prototypes), 12);
  expect(report.effectiveRank).toBeGreaterThan(1);
  expect(report.effectiveRank).toBeLessThanOrEqual(report.largestRank);
  expect(report.meanEntropy).toBeLessThanOrEqual(report.entropyOfMean);
  expect(report.entropyOfMean).toBeLessThanOrEqual(report.largestEntropy + 1e-6);
  const { spread, prototypesUsed, agreement, chanceAgreement } = report;
  for (const share of [spread, prototypesUsed, agreement, chanceAgreement]) {
    expect(share).toBeGreaterThanOrEqual(0);
    expect(share).toBeLessThanOrEqual(1);
  }
  expect(report.centerNorms).toEqual({ cls: 0, clsPlus: 0, patch: 0 });
});

test("views in native memory and in arrays are looked at alike; local views and maps do not count", async () => {
  using rendered = await renderViews(SHAPE, smallImages(), smallRecipes());
  const ofRendered = native.inspection();
  await ofRendered.add(rendered);
  const ofArrays = native.inspection();
  await ofArrays.add({ ...smallBatch(), ...rendered.pixels() });
  expect(await ofArrays.report(0.05)).toEqual(await ofRendered.report(0.05));
});

test("a step after a look is the same to the bit", async () => {
  const model = { ...OPTIONS.model, head: { ...OPTIONS.model.head, batchNorm: true } };
  await using watched = await openEngine({ ...OPTIONS, model });
  await using alone = await openEngine({ ...OPTIONS, model });
  for (const seed of [0, 1, 2]) {
    const inspection = watched.inspection();
    await inspection.add(globalsOf(4, seed));
    await inspection.report(0.05);
    const [seen, unseen] = [watched, alone].map((engine) => engine.stepUdi(smallBatch(seed), AT));
    const { seconds: _, ...report } = await (seen as NonNullable<typeof seen>);
    expect(await unseen).toMatchObject(report);
  }
});

test("two inspections of one engine do not mix", async () => {
  const [first, second] = [native.inspection(), native.inspection()];
  await Promise.all([first.add(globalsOf(4, 1)), second.add(globalsOf(6, 2)), first.add(globalsOf(4, 3))]);
  expect((await first.report(0.05)).images).toBe(8);
  expect((await second.report(0.05)).images).toBe(6);
});

test("what shows nothing is refused by name", async () => {
  const inspection = native.inspection();
  await expect(inspection.report(0.05)).rejects.toThrow("inspection: expected at least 2 images, received 0");
  await inspection.add(globalsOf(2, 0));
  await expect(inspection.report(0)).rejects.toThrow("teacherTemperature: expected a number above 0");
  await expect(inspection.add(null as never)).rejects.toThrow(ArgumentError);
});

test("features that are no numbers are an error, not a report", async () => {
  const inspection = native.inspection();
  const globalViews = new Float32Array(2 * 2 * 3 * SHAPE.globalSize ** 2).fill(Number.NaN);
  await inspection.add({ ...globalsOf(2, 0), globalViews, localViews: new Float32Array() });
  await expect(inspection.report(0.05)).rejects.toThrow(NonFiniteLossError);
});

test("an engine that is closed gives no inspection and adds to none", async () => {
  const engine = await openEngine(OPTIONS);
  const inspection = engine.inspection();
  await engine.close();
  expect(() => engine.inspection()).toThrow("expected an open engine");
  await expect(inspection.add(globalsOf(2, 0))).rejects.toThrow("expected an open engine");
});
