/** The sampling maps of one image: between its two global crops, and from each local crop to both of them. */
import type { RandomStream } from "../random.js";
import { sampleMap, type TokenCrop } from "./sample-map.js";
import { type SamplingGrid, type StratifiedSample, stratifiedSample } from "./stratified-mask.js";
import type { CropCoordinates, ImageMaps } from "./types.js";

/** Where the crops of an image lie. */
export interface CropPlaces {
  /** g1 (student crop), g2 (teacher crop). */
  readonly globals: readonly [CropCoordinates, CropCoordinates];
  readonly locals: readonly CropCoordinates[];
}

export interface SamplingGrids {
  readonly global: SamplingGrid;
  readonly local: SamplingGrid;
}

/** Which tokens are sampled: one mask for both global crops, another that all local crops share. */
export interface SamplingMasks {
  readonly global: StratifiedSample;
  /** Null where there are no local crops. */
  readonly local: StratifiedSample | null;
}

export function drawMasks(places: CropPlaces, grids: SamplingGrids, random: RandomStream): SamplingMasks {
  const global = stratifiedSample(grids.global, random);
  const local = places.locals.length > 0 ? stratifiedSample(grids.local, random) : null;
  return { global, local };
}

/** Maps what the masks sample. */
export function imageMaps(places: CropPlaces, grids: SamplingGrids, masks: SamplingMasks): ImageMaps {
  const student = tokenCrop(places.globals[0], grids.global);
  const teacher = tokenCrop(places.globals[1], grids.global);
  const there = sampleMap(student, teacher, masks.global.tokens);
  const back = sampleMap(teacher, student, masks.global.tokens);
  return {
    globalSource: [there.source, back.source],
    globalTarget: [there.target, back.target],
    localTarget: localTargets(places.locals, [teacher, student], grids.local, masks.local),
  };
}

/** For each local crop its pairs with the targets, in their order. */
function localTargets(
  locals: readonly CropCoordinates[],
  targets: readonly TokenCrop[],
  grid: SamplingGrid,
  mask: StratifiedSample | null,
): ImageMaps["localTarget"] {
  if (mask === null) return [];
  return locals.flatMap((place) =>
    targets.map((target) => sampleMap(tokenCrop(place, grid), target, mask.tokens).target),
  );
}

function tokenCrop(coordinates: CropCoordinates, { side }: SamplingGrid): TokenCrop {
  return { coordinates, side };
}
