import { expect, test } from "vitest";
import { randomStream } from "../../ts/random.js";
import {
  PHOTOMETRIC_DEFAULTS,
  type PhotometricOptions,
  photometricChoice,
} from "../../ts/recipe/photometric.js";
import { expectEven, expectShare } from "../chance.js";

const DRAWS = 20_000;

function manyChoices(changes: Partial<PhotometricOptions> = {}) {
  const options = { ...PHOTOMETRIC_DEFAULTS, ...changes };
  return Array.from({ length: DRAWS }, (_, index) => photometricChoice(options, randomStream(23, index)));
}

const choices = manyChoices();
const jittered = choices.filter((choice) => choice.jitter.length > 0);

function count(values: readonly unknown[]): number {
  return values.filter(Boolean).length;
}

/** What a step draws: its factor, or its shift of the hue. */
function strengths(kind: string): number[] {
  const steps = jittered.map(({ jitter }) => jitter.find((step) => step.kind === kind));
  return steps.flatMap((step) =>
    step === undefined ? [] : [step.kind === "hue" ? step.shift : step.factor],
  );
}

test("jitter and grayscale come with their probabilities", () => {
  expectShare(jittered.length, DRAWS, 0.8);
  expectShare(count(choices.map((choice) => choice.grayscale)), DRAWS, 0.2);
});

test("a jitter holds each of the four operations once, in all orders equally often", () => {
  const orders = jittered.map(({ jitter }) => jitter.map((step) => step.kind).join());
  const names = [...new Set(orders)].sort();
  expect(names).toHaveLength(24);
  expect(names[0]).toBe("brightness,contrast,hue,saturation");
  expectEven(
    orders.map((order) => names.indexOf(order)),
    24,
  );
});

test.each([
  ["brightness", 0.6, 1.4],
  ["contrast", 0.6, 1.4],
  ["saturation", 0.8, 1.2],
  ["hue", -0.1, 0.1],
])("the strength of %s is uniform between %d and %d", (kind, low, high) => {
  const quarters = strengths(kind).map((strength) => Math.floor((4 * (strength - low)) / (high - low)));
  expect(quarters).toHaveLength(jittered.length);
  expectEven(quarters, 4);
});

test("a factor is never negative, however strong the jitter", () => {
  const factors = manyChoices({ brightness: 3, jitterProbability: 1 }).flatMap(({ jitter }) =>
    jitter.flatMap((step) => (step.kind === "brightness" ? [step.factor] : [])),
  );
  expectEven(
    factors.map((factor) => Math.floor(factor)),
    4,
  );
});

test("an operation of strength 0 is left out", () => {
  const still = manyChoices({ brightness: 0, hue: 0, jitterProbability: 1 });
  const kinds = still.map(({ jitter }) =>
    jitter
      .map((step) => step.kind)
      .sort()
      .join(),
  );
  expect(new Set(kinds)).toEqual(new Set(["contrast,saturation"]));
});

test("branch A blurs half of the time or always, and never solarises", () => {
  const branch = manyChoices({ blurBranchProbability: 1 });
  expectShare(count(branch.map((choice) => choice.blurRadius)), DRAWS, 0.5 * 0.5 + 0.5 * 1);
  expect(branch.every((choice) => choice.solarizeThreshold === null)).toBe(true);
});

test("branch B blurs rarely and solarises, each on its own", () => {
  const branch = manyChoices({ blurBranchProbability: 0 });
  const solarized = branch.filter((choice) => choice.solarizeThreshold !== null);
  expectShare(count(branch.map((choice) => choice.blurRadius)), DRAWS, 0.1);
  expectShare(solarized.length, DRAWS, 0.2);
  expectShare(count(solarized.map((choice) => choice.blurRadius)), solarized.length, 0.1);
  expect(new Set(solarized.map((choice) => choice.solarizeThreshold))).toEqual(new Set([128]));
});

test("both branches are equally likely", () => {
  expectShare(count(choices.map((choice) => choice.blurRadius)), DRAWS, 0.5 * 0.75 + 0.5 * 0.1);
  expectShare(count(choices.map((choice) => choice.solarizeThreshold)), DRAWS, 0.5 * 0.2);
});

test("the radius of a blur is uniform between 0.1 and 2", () => {
  const radii = choices.map((choice) => choice.blurRadius).filter((radius) => radius > 0);
  expectEven(
    radii.map((radius) => Math.floor((5 * (radius - 0.1)) / 1.9)),
    5,
  );
});
