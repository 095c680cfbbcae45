/** The probe's augmentation of real photographs: what timm and PIL make of the same choices, and how its draws are named. */
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { augmentedRecipe, augmentedViews } from "../../../ts/evaluate/linear/augmented-views.js";
import { renderAugmentedViews } from "../../../ts/native/crop-views.js";
import { randAugmentPolicy } from "../../../ts/recipe/rand-augment-policy.js";
import type { AugmentedRecipe } from "../../../ts/recipe/types.js";
import { decodeImage } from "../../../ts/views/decode.js";
import { askProgram, pythonNote, testPython } from "../../python/test-python.js";

const FOLDER = join(import.meta.dirname, "../../views/photographs");
const FILES = ["landscape.jpg", "portrait.jpg", "faded.jpg"].map((name) => join(FOLDER, name));
const [SIDE, VIEWS] = [96, 40];
const POLICY = randAugmentPolicy("rand-m9-n3-mstd0.5-inc1");

/** `[3, side, side]` as PIL lays it out. */
function interleaved(planar: Uint8Array): Buffer {
  const area = planar.length / 3;
  return Buffer.from(planar.map((_, at) => planar[(at % 3) * area + Math.floor(at / 3)] as number));
}

test.skipIf(testPython === null)(
  `views of photographs are those of timm and PIL by the same choices${pythonNote}`,
  async () => {
    const asked: (AugmentedRecipe & { readonly file: string })[] = [];
    const made: Buffer[] = [];
    for (const file of FILES) {
      using image = await decodeImage(file);
      for (let sample = 0; sample < VIEWS; sample++) {
        const recipe = augmentedRecipe(image, POLICY, SIDE, { seed: 4, epoch: 2, sample });
        asked.push({ file, ...recipe });
        made.push(interleaved(await renderAugmentedViews([image], [recipe], SIDE)));
      }
    }
    const kinds = new Set(asked.flatMap(({ augmentations }) => augmentations.map(({ kind }) => kind)));
    expect(kinds.size).toBe(15);
    const expected = await askProgram<string[]>("augmented.py", asked);
    for (const [at, view] of made.entries()) {
      const same = view.equals(Buffer.from(expected[at] as string, "base64"));
      expect(same, JSON.stringify(asked[at])).toBe(true);
    }
  },
  60_000,
);

describe("what is drawn", () => {
  const choices = {
    seed: 1,
    imageSize: 32,
    autoAugment: "rand-m9-mstd0.5-inc1",
    erasing: { probability: 1, mode: "pixel", count: 1 },
  } as const;

  test("is the same for the same seed, epoch and sample, and another for another", async () => {
    using image = await decodeImage(FILES[0] as string);
    const drawn = async (changes: { readonly seed?: number }, epoch: number, sample: number) => {
      const { view, erased } = augmentedViews({ ...choices, ...changes }, epoch);
      return { pixels: Buffer.from(await view(image, sample)), erased: erased?.(sample) };
    };
    const first = await drawn({}, 0, 7);
    expect(await drawn({}, 0, 7)).toEqual(first);
    for (const other of [await drawn({}, 1, 7), await drawn({}, 0, 8), await drawn({ seed: 2 }, 0, 7)]) {
      expect(other.pixels.equals(first.pixels)).toBe(false);
      expect(other.erased).not.toEqual(first.erased);
    }
  });

  test("crops and flips in the same places with and without RandAugment", () => {
    const size = { width: 240, height: 180 };
    const at = { seed: 1, epoch: 0, sample: 3 };
    const places = ["rand-m0", "rand-m9-n5-inc1"].map((policy) => {
      const { crop, flipped } = augmentedRecipe(size, randAugmentPolicy(policy), 32, at);
      return { crop, flipped };
    });
    expect(places[0]).toEqual(places[1]);
  });
});
