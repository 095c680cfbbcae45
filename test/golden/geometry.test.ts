/** Replays the golden geometry: recorded draws give the recorded crops, coordinates and masks the recorded maps. */
import { expect, test } from "vitest";
import type { CropRange } from "../../ts/recipe/random-resized-crop.js";
import { type SampleMap, sampleMap } from "../../ts/recipe/sample-map.js";
import { samplesOf } from "../../ts/recipe/stratified-mask.js";
import type { CropCoordinates, PixelBox } from "../../ts/recipe/types.js";
import { guidedCrop } from "../../ts/recipe/view.js";
import { goldenJson } from "./golden-folder.js";
import { type RecordedDraw, recordedStream } from "./recorded-draws.js";

interface CropCase {
  readonly width: number;
  readonly height: number;
  readonly scale: CropRange["scale"];
  readonly ratio: CropRange["aspectRatio"];
  readonly reference: CropCoordinates | null;
  readonly draws: readonly RecordedDraw[];
  readonly crop: PixelBox;
}

interface MapCase {
  readonly global_size: number;
  readonly local_size: number;
  readonly patch: number;
  readonly window: number;
  readonly source_is_local: boolean;
  readonly source: CropCoordinates;
  readonly target: CropCoordinates;
  readonly sampled: readonly number[];
  readonly samples: number;
  /** Of the valid samples only. */
  readonly source_tokens: readonly number[];
  /** Token and weight of the neighbours of each valid sample; those of weight 0 are left out. */
  readonly target_weights: readonly (readonly (readonly [token: number, weight: number])[])[];
}

/** fp32's own error on a weight in [0, 1], some roundings deep. */
const WEIGHT_TOLERANCE = 2e-5;

test("recorded draws give the recorded crops, pixel for pixel", () => {
  const cases = goldenJson<readonly CropCase[]>("geometry/crops.json");
  expect(cases.length).toBeGreaterThan(0);
  const errors = cases.map(replayCrop);
  report("geometry/crops.json", errors, "pixels");
  expect(Math.max(...errors)).toBe(0);
});

test("coordinates and sampled tokens give the recorded maps", () => {
  const cases = goldenJson<readonly MapCase[]>("geometry/sample_maps.json");
  expect(cases.length).toBeGreaterThan(0);
  const errors = cases.map(replayMap);
  report("geometry/sample_maps.json", errors, "weight");
  expect(Math.max(...errors)).toBeLessThanOrEqual(WEIGHT_TOLERANCE);
});

function report(file: string, errors: readonly number[], unit: string): void {
  console.log(
    `${file}: ${errors.length} cases, largest error ${Math.max(...errors).toExponential(2)} (${unit})`,
  );
}

function replayCrop(golden: CropCase): number {
  const random = recordedStream(golden.draws);
  const range = { scale: golden.scale, aspectRatio: golden.ratio };
  const crop = guidedCrop(golden, range, golden.reference, random);
  expect(random.left(), "draws that were not asked for").toBe(0);
  const sides = ["top", "left", "height", "width"] as const;
  return Math.max(...sides.map((side) => Math.abs(crop[side] - golden.crop[side])));
}

function replayMap(golden: MapCase, index: number): number {
  const globalSide = golden.global_size / golden.patch;
  const side = golden.source_is_local ? golden.local_size / golden.patch : globalSide;
  const source = { coordinates: golden.source, side };
  const target = { coordinates: golden.target, side: globalSide };
  const map = sampleMap(source, target, Int32Array.from(golden.sampled));
  expect(samplesOf({ side, window: golden.window })).toBe(golden.samples);
  const empty = new Array<number>(golden.samples - golden.source_tokens.length).fill(-1);
  expect([...map.source], `source tokens of case ${index}`).toEqual([...golden.source_tokens, ...empty]);
  return largestWeightError(map, golden);
}

/** Compares every row as a dense row of the grid, so also the rows without a valid sample. */
function largestWeightError({ target }: SampleMap, golden: MapCase): number {
  let largest = 0;
  for (let sample = 0; sample < golden.samples; sample++) {
    const row = new Float64Array((golden.global_size / golden.patch) ** 2);
    for (const [token, weight] of golden.target_weights[sample] ?? []) row[token] = -weight;
    for (let at = 4 * sample; at < 4 * sample + 4; at++) {
      const token = target.tokens[at] ?? Number.NaN;
      row[token] = (row[token] ?? Number.NaN) + (target.weights[at] ?? Number.NaN);
    }
    largest = Math.max(largest, ...row.map(Math.abs));
  }
  return largest;
}
