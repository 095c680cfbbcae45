import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { randomStream } from "../../ts/random.js";
import { normal } from "../../ts/recipe/normal.js";
import { randAugment } from "../../ts/recipe/rand-augment.js";
import { randAugmentPolicy } from "../../ts/recipe/rand-augment-policy.js";
import type { Augmentation } from "../../ts/recipe/types.js";
import { expectEven, expectShare } from "../chance.js";

const IMAGE = { width: 200, height: 100 };
const DRAWS = 20_000;

function drawn(policy: string, draws = DRAWS): readonly (readonly Augmentation[])[] {
  const parsed = randAugmentPolicy(policy);
  return Array.from({ length: draws }, (_, at) => randAugment(IMAGE, parsed, randomStream(5, at)));
}

/** Every amount that an operation takes, rounded to what tells them apart. */
function amounts(policy: string): Record<string, readonly number[]> {
  const found: Record<string, Set<number>> = {};
  for (const change of drawn(policy, 4000).flat()) {
    const values = found[change.kind] ?? new Set();
    found[change.kind] = values;
    if ("amount" in change) values.add(Number(change.amount.toFixed(6)));
  }
  return Object.fromEntries(
    Object.entries(found).map(([kind, set]) => [kind, [...set].sort((a, b) => a - b)]),
  );
}

describe("with the reference's policy", () => {
  const images = drawn("rand-m9-mstd0.5-inc1");
  const changes = images.flat();

  test("each of the 15 operations comes equally often, and each of two half of the time", () => {
    const kinds = [...new Set(changes.map(({ kind }) => kind))].sort();
    expect(kinds).toHaveLength(15);
    expectEven(
      changes.map(({ kind }) => kinds.indexOf(kind)),
      15,
    );
    for (const [count, share] of [0.25, 0.5, 0.25].entries())
      expectShare(images.filter(({ length }) => length === count).length, DRAWS, share);
  });

  test("signs and filters are even, and magnitudes spread around 9", () => {
    const turns = changes.flatMap((change) => (change.kind === "rotate" ? [change] : []));
    expectShare(turns.filter(({ amount }) => amount < 0).length, turns.length, 0.5);
    expectShare(turns.filter(({ interpolation }) => interpolation === "bicubic").length, turns.length, 0.5);
    const magnitudes = turns.map(({ amount }) => Math.abs(amount) / 3);
    const mean = magnitudes.reduce((sum, value) => sum + value, 0) / magnitudes.length;
    expect(mean).toBeCloseTo(9, 1);
    expect(Math.max(...magnitudes)).toBe(10);
  });
});

test("amounts at magnitude 9 are those of timm's table", () => {
  expect(amounts("rand-m9-inc1")).toEqual({
    autoContrast: [],
    equalize: [],
    invert: [],
    rotate: [-27, 27],
    posterize: [1],
    solarize: [26],
    solarizeAdd: [99],
    saturation: [0.19, 1.81],
    contrast: [0.19, 1.81],
    brightness: [0.19, 1.81],
    sharpness: [0.19, 1.81],
    shearX: [-0.27, 0.27],
    shearY: [-0.27, 0.27],
    translateX: [-81, 81],
    translateY: [-40.5, 40.5],
  });
});

test("without inc the amounts fall or rise with the magnitude as timm's do", () => {
  const { posterize, solarize, saturation, rotate } = amounts("rand-m9");
  expect({ posterize, solarize, saturation, rotate }).toEqual({
    posterize: [3],
    solarize: [230],
    saturation: [1.72],
    rotate: [-27, 27],
  });
});

test("with w0 operations come by their weights, none twice, and two of them never", () => {
  const images = drawn("rand-n1-w0");
  const kinds = images.flat().map(({ kind }) => kind);
  expectShare(kinds.filter((kind) => kind === "rotate").length, kinds.length, 0.3);
  expectShare(kinds.filter((kind) => kind === "shearX").length, kinds.length, 0.2);
  expectShare(kinds.filter((kind) => kind === "saturation").length, kinds.length, 0.025);
  for (const changes of drawn("rand-n13-w0", 500)) {
    const once = changes.map(({ kind }) => kind);
    expect(new Set(once).size).toBe(once.length);
    expect(once).not.toContain("invert");
    expect(once).not.toContain("posterize");
  }
});

test("every amount is one that the executor takes, whatever the policy", () => {
  const policy = fc
    .tuple(
      fc.integer({ min: 0, max: 10 }),
      fc.integer({ min: 1, max: 5 }),
      fc.double({ min: 0, max: 20, noNaN: true }),
      fc.boolean(),
    )
    .map(([magnitude, operations, deviation, increasing]) => ({
      ...{ magnitude, operations, deviation, increasing },
      weighted: false,
    }));
  fc.assert(
    fc.property(policy, fc.integer(), (given, seed) => {
      for (const change of randAugment(IMAGE, given, randomStream(seed))) {
        if (!("amount" in change)) continue;
        expect(Number.isFinite(change.amount)).toBe(true);
        if (change.kind === "posterize") expect(change.amount).toBeOneOf([0, 1, 2, 3, 4]);
        if (change.kind === "solarize") expect(change.amount).toBeLessThanOrEqual(256);
        if ("interpolation" in change) continue;
        expect(change.amount).toBeGreaterThanOrEqual(0);
      }
    }),
  );
});

test("normal draws have their mean, their deviation and their tails", () => {
  const random = randomStream(3);
  const draws = Array.from({ length: DRAWS }, () => normal({ mean: 9, deviation: 0.5 }, random));
  const beyond = (limit: number) => draws.filter((draw) => Math.abs(draw - 9) > limit * 0.5).length;
  expectShare(draws.filter((draw) => draw > 9).length, DRAWS, 0.5);
  expectShare(beyond(1), DRAWS, 0.3173);
  expectShare(beyond(2), DRAWS, 0.0455);
  expectShare(beyond(3), DRAWS, 0.0027);
});
