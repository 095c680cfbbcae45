/** An image each of whose places has a colour of its own, and options that leave colours alone. */
import type { DecodedImage } from "../../ts/native/types.js";
import type { MultiCropOptions } from "../../ts/recipe/multi-crop.js";
import { PHOTOMETRIC_DEFAULTS } from "../../ts/recipe/photometric.js";

export const OPTIONS: MultiCropOptions = {
  globalSize: 112,
  globalScale: [0.25, 1],
  localSize: 48,
  localScale: [0.05, 0.25],
  localCrops: 3,
  patchSize: 8,
  globalWindow: 3,
  localWindow: 2,
  flipProbability: 0.5,
  includePatch: true,
  photometric: {
    ...PHOTOMETRIC_DEFAULTS,
    jitterProbability: 0,
    grayscaleProbability: 0,
    blurProbabilities: [0, 0],
    solarizeBranchBlurProbability: 0,
    solarizeProbability: 0,
  },
};

/** Red grows from left to right, green from top to bottom, each from 0 to 255. */
export function colourMap(width: number, height: number): DecodedImage {
  const pixels = new Uint8Array(3 * width * height);
  for (let at = 0; at < width * height; at++) {
    pixels[3 * at] = Math.round((255 * (at % width)) / (width - 1));
    pixels[3 * at + 1] = Math.round((255 * Math.floor(at / width)) / (height - 1));
    pixels[3 * at + 2] = 128;
  }
  return { pixels, width, height };
}
