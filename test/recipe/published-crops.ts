/** The views of the published ViT-S/16 runs. */
import type { MultiCropOptions } from "../../ts/recipe/multi-crop.js";
import { PHOTOMETRIC_DEFAULTS } from "../../ts/recipe/photometric.js";

export const PUBLISHED_CROPS: MultiCropOptions = {
  globalSize: 224,
  globalScale: [0.25, 1],
  localSize: 96,
  localScale: [0.05, 0.25],
  localCrops: 10,
  patchSize: 16,
  globalWindow: 3,
  localWindow: 2,
  flipProbability: 0.5,
  includePatch: true,
  photometric: PHOTOMETRIC_DEFAULTS,
};
