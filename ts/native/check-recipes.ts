/** Decoded images and view recipes: plain values of the right kind. */
import type * as addon from "./addon.js";
import {
  byteArray,
  choice,
  finiteNumber,
  list,
  record,
  truth,
  type Unchecked,
  wholeNumber,
} from "./argument-checks.js";

/** Longest side of an image; larger than any picture format allows. */
const LONGEST_SIDE = 2 ** 24;

const JITTERS = ["brightness", "contrast", "saturation", "hue"] as const;

export function checkImages(value: unknown, count?: number): addon.DecodedImage[] {
  return list("images", value, checkImage, count);
}

function checkImage(name: string, value: unknown): addon.DecodedImage {
  const image = record(name, value);
  const width = wholeNumber(`${name}.width`, image.width, 1, LONGEST_SIDE);
  const height = wholeNumber(`${name}.height`, image.height, 1, LONGEST_SIDE);
  return { pixels: byteArray(`${name}.pixels`, image.pixels, [height, width, 3]), width, height };
}

/** The views of each image; their maps are another matter. */
export function checkRecipes(value: readonly Unchecked[], shape: addon.BatchShape): addon.ImageRecipe[] {
  return value.map((recipe, index) => {
    const name = `recipes[${index}]`;
    return {
      globals: checkViews(`${name}.globals`, recipe.globals, 2, shape.globalSize),
      locals: checkViews(`${name}.locals`, recipe.locals, shape.localCrops, shape.localSize),
    };
  });
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

function checkCrop(name: string, value: unknown): addon.PixelBox {
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
