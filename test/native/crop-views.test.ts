import { expect, test } from "vitest";
import { renderAugmentedViews } from "../../ts/native/crop-views.js";
import type { Augmentation, AugmentedRecipe } from "../../ts/recipe/types.js";

/** Values 0 to 17, three by two pixels. */
const IMAGE = { width: 3, height: 2, pixels: Uint8Array.from({ length: 18 }, (_, at) => at) };

const PLAIN: AugmentedRecipe = {
  flipped: false,
  augmentations: [],
  fill: [124, 116, 104],
  crop: { top: 0, left: 1, height: 2, width: 2 },
  size: 2,
};

/** The red channel. */
async function red(changes: Partial<AugmentedRecipe>): Promise<number[]> {
  const view = await renderAugmentedViews([IMAGE], [{ ...PLAIN, ...changes }], 2);
  return [...view.subarray(0, 4)];
}

test("the image is mirrored, then changed, then cropped", async () => {
  expect(await red({})).toEqual([3, 6, 12, 15]);
  expect(await red({ flipped: true })).toEqual([3, 0, 12, 9]);
  expect(await red({ augmentations: [{ kind: "invert" }] })).toEqual([252, 249, 243, 240]);
  const shift = { kind: "translateX", amount: 1, interpolation: "bilinear" } as const;
  expect(await red({ augmentations: [shift] })).toEqual([6, 124, 15, 124]);
  expect(await red({ augmentations: [shift], flipped: true })).toEqual([0, 124, 9, 124]);
  expect(await red({ augmentations: [shift, { kind: "invert" }] })).toEqual([249, 131, 240, 131]);
  expect(await red({ augmentations: [{ kind: "invert" }, shift] })).toEqual([249, 124, 240, 124]);
});

test.each([
  [{ kind: "blur" }, /augmentations\[0\]\.kind: expected autoContrast, equalize/],
  [{ kind: "rotate", amount: 3 }, /interpolation: expected bilinear, bicubic, received nothing/],
  [{ kind: "rotate", amount: Number.NaN, interpolation: "bicubic" }, /amount: expected a finite number/],
  [{ kind: "posterize", amount: 2.5 }, /expected a whole number, received "2.5"/],
  [{ kind: "posterize", amount: 9 }, /expected posterize from 0 to 8 bits, received 9/],
  [{ kind: "solarize", amount: 300 }, /expected solarize from 0 to 256, received 300/],
  [{ kind: "solarizeAdd", amount: 256 }, /expected a whole number, received "256"/],
  [{ kind: "sharpness", amount: -1 }, /expected sharpness to be a finite factor of at least 0, received -1/],
])("%j is refused", async (step, message) => {
  const wrong = { augmentations: [step as Augmentation] };
  await expect(red(wrong)).rejects.toThrow(message);
});

test("a crop outside, another fill and another number of recipes are refused", async () => {
  await expect(red({ crop: { top: 1, left: 1, height: 2, width: 2 } })).rejects.toThrow(/crop inside/);
  await expect(red({ fill: [1, 2] as never })).rejects.toThrow(/fill: expected an array of length 3/);
  await expect(renderAugmentedViews([IMAGE], [], 2)).rejects.toThrow(
    /recipes: expected an array of length 1/,
  );
});
