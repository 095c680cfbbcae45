/** View recipes: plain values of the right kind. */
import type * as addon from "./addon.js";
import { choice, finiteNumber, list, record, truth, type Unchecked, wholeNumber } from "./argument-checks.js";

const JITTERS = ["brightness", "contrast", "saturation", "hue"] as const;

/** The views of one image; their maps are another matter. */
export function checkRecipe(name: string, recipe: Unchecked, shape: addon.BatchShape): addon.ImageRecipe {
  return {
    globals: checkViews(`${name}.globals`, recipe.globals, 2, shape.globalSize),
    locals: checkViews(`${name}.locals`, recipe.locals, shape.localCrops, shape.localSize),
  };
}

function checkViews(name: string, value: unknown, count: number, size: number): addon.ViewRecipe[] {
  return list(name, value, (view, recipe) => checkView(view, recipe, size), count);
}

export function checkView(name: string, value: unknown, size: number): addon.ViewRecipe {
  const view = record(name, value);
  const threshold = view.solarizeThreshold;
  return {
    crop: checkCrop(`${name}.crop`, view.crop),
    size: wholeNumber(`${name}.size`, view.size, size, size),
    flipped: truth(`${name}.flipped`, view.flipped),
    jitter: list(`${name}.jitter`, view.jitter, checkJitter),
    grayscale: truth(`${name}.grayscale`, view.grayscale),
    blurRadius: finiteNumber(`${name}.blurRadius`, view.blurRadius),
    ...(threshold === null
      ? {}
      : { solarizeThreshold: wholeNumber(`${name}.solarizeThreshold`, threshold, 0, 255) }),
  };
}

export function checkCrop(name: string, value: unknown): addon.PixelBox {
  const crop = record(name, value);
  return {
    top: wholeNumber(`${name}.top`, crop.top),
    left: wholeNumber(`${name}.left`, crop.left),
    height: wholeNumber(`${name}.height`, crop.height),
    width: wholeNumber(`${name}.width`, crop.width),
  };
}

function checkJitter(name: string, value: unknown): addon.JitterStep {
  const step = record(name, value);
  const kind = choice(`${name}.kind`, step.kind, JITTERS);
  const amount = kind === "hue" ? "shift" : "factor";
  return { kind, amount: finiteNumber(`${name}.${amount}`, step[amount]) };
}
