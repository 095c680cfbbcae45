/** Augmented recipes and erased boxes: plain values of the right kind. */

import { ERASING_MODES } from "../recipe/random-erasing.js";
import type { Augmentation, AugmentedRecipe } from "../recipe/types.js";
import type * as addon from "./addon.js";
import { choice, finiteNumber, list, record, truth, wholeNumber } from "./argument-checks.js";
import { checkCrop } from "./check-recipes.js";

const INTERPOLATIONS = ["bilinear", "bicubic"] as const;

/** What an operation takes beside its name. */
const TAKES: Readonly<Record<Augmentation["kind"], "nothing" | "amount" | "interpolation">> = {
  autoContrast: "nothing",
  equalize: "nothing",
  invert: "nothing",
  posterize: "amount",
  solarize: "amount",
  solarizeAdd: "amount",
  brightness: "amount",
  contrast: "amount",
  saturation: "amount",
  sharpness: "amount",
  rotate: "interpolation",
  shearX: "interpolation",
  shearY: "interpolation",
  translateX: "interpolation",
  translateY: "interpolation",
};

const KINDS = Object.keys(TAKES) as Augmentation["kind"][];

export function checkAugmented(
  name: string,
  value: unknown,
  size: AugmentedRecipe["size"],
): addon.AugmentedRecipe {
  const recipe = record(name, value);
  return {
    flipped: truth(`${name}.flipped`, recipe.flipped),
    augmentations: list(`${name}.augmentations`, recipe.augmentations, checkAugmentation),
    fill: list(`${name}.fill`, recipe.fill, (place, part) => wholeNumber(place, part, 0, 255), 3),
    crop: checkCrop(`${name}.crop`, recipe.crop),
    size: wholeNumber(`${name}.size`, recipe.size, size, size),
  };
}

function checkAugmentation(name: string, value: unknown): addon.Augmentation {
  const step = record(name, value);
  const kind = choice(`${name}.kind`, step.kind, KINDS);
  if (TAKES[kind] === "nothing") return { kind, amount: 0 };
  const amount = finiteNumber(`${name}.amount`, step.amount);
  if (TAKES[kind] === "amount") return { kind, amount };
  return { kind, amount, interpolation: choice(`${name}.interpolation`, step.interpolation, INTERPOLATIONS) };
}

/** Null: there are none. */
export function checkErasures(name: string, value: unknown): addon.Erasure[] | null {
  if (value === undefined) return null;
  return list(name, value, (place, entry) => {
    const erasure = record(place, entry);
    return {
      image: wholeNumber(`${place}.image`, erasure.image),
      place: checkCrop(`${place}.place`, erasure.place),
      mode: choice(`${place}.mode`, erasure.mode, ERASING_MODES),
      seed: wholeNumber(`${place}.seed`, erasure.seed, 0, Number.MAX_SAFE_INTEGER),
    };
  });
}
