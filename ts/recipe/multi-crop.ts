/** The multi-crop recipe of one image: two global views, the local views, and the maps between their tokens. */
import type { RandomStream } from "../random.js";
import { type ImageSize, unionCoordinates } from "./coordinates.js";
import {
  type CropPlaces,
  drawMasks,
  imageMaps,
  type SamplingGrids,
  type SamplingMasks,
} from "./image-maps.js";
import type { PhotometricOptions } from "./photometric.js";
import { ASPECT_RATIO } from "./random-resized-crop.js";
import { tokensPerSide } from "./stratified-mask.js";
import type { ImageRecipe } from "./types.js";
import { drawView, type ViewOptions } from "./view.js";

export interface MultiCropOptions {
  /** Side of the global views in pixels; a multiple of `patchSize`. */
  readonly globalSize: number;
  /** Share of the image's area that a global crop covers. */
  readonly globalScale: readonly [low: number, high: number];
  /** Side of the local views in pixels; a multiple of `patchSize`. */
  readonly localSize: number;
  readonly localScale: readonly [low: number, high: number];
  /** Number of local views L; may be 0. */
  readonly localCrops: number;
  readonly patchSize: number;
  /** Side of a sampling window of the global views, in tokens. */
  readonly globalWindow: number;
  readonly localWindow: number;
  readonly flipProbability: number;
  /** Whether the model has a patch level, and so needs maps. */
  readonly includePatch: boolean;
  readonly photometric: PhotometricOptions;
}

/** Decides everything about one image's views. The views are the same with and without a patch level. */
export function multiCropRecipe(
  image: ImageSize,
  options: MultiCropOptions,
  random: RandomStream,
): ImageRecipe {
  return detailedRecipe(image, options, random).recipe;
}

/** A recipe with what led to its maps, for those who look at it. */
export interface DetailedRecipe {
  readonly recipe: ImageRecipe;
  readonly places: CropPlaces;
  /** Null where the model has no patch level. */
  readonly sampling: { readonly grids: SamplingGrids; readonly masks: SamplingMasks } | null;
}

/** The same decisions as `multiCropRecipe`, from the same random numbers. */
export function detailedRecipe(
  image: ImageSize,
  options: MultiCropOptions,
  random: RandomStream,
): DetailedRecipe {
  const globalView = viewOptions(options, "global");
  const localView = viewOptions(options, "local");
  const student = drawView(image, globalView, null, random);
  const teacher = drawView(image, globalView, student.coordinates, random);
  const both = unionCoordinates(student.coordinates, teacher.coordinates);
  const locals = Array.from({ length: options.localCrops }, () => drawView(image, localView, both, random));
  const places = {
    globals: [student.coordinates, teacher.coordinates] as const,
    locals: locals.map((local) => local.coordinates),
  };
  const sampling = options.includePatch ? drawSampling(places, options, random) : null;
  const maps = sampling === null ? null : imageMaps(places, sampling.grids, sampling.masks);
  const views = {
    globals: [student.recipe, teacher.recipe],
    locals: locals.map(({ recipe }) => recipe),
  } as const;
  return { recipe: { ...views, maps }, places, sampling };
}

function drawSampling(places: CropPlaces, options: MultiCropOptions, random: RandomStream) {
  const grids = samplingGrids(options);
  return { grids, masks: drawMasks(places, grids, random) };
}

function viewOptions(options: MultiCropOptions, kind: "global" | "local"): ViewOptions {
  const { flipProbability, photometric } = options;
  const size = kind === "global" ? options.globalSize : options.localSize;
  const scale = kind === "global" ? options.globalScale : options.localScale;
  return { size, range: { scale, aspectRatio: ASPECT_RATIO }, flipProbability, photometric };
}

function samplingGrids(options: MultiCropOptions): SamplingGrids {
  const { globalSize, localSize, patchSize } = options;
  return {
    global: { side: tokensPerSide(globalSize, patchSize), window: options.globalWindow },
    local: { side: tokensPerSide(localSize, patchSize), window: options.localWindow },
  };
}
