/** The sampling maps of one image: between its two global crops, and from each local crop to both of them. */
import type { RandomStream } from "../random.js";
import { sampleMap, type TokenCrop } from "./sample-map.js";
import { type SamplingGrid, stratifiedMask } from "./stratified-mask.js";
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

/** Draws one mask for the global crops and another that all local crops share, and maps what they sample. */
export function imageMaps(places: CropPlaces, grids: SamplingGrids, random: RandomStream): ImageMaps {
  const student = tokenCrop(places.globals[0], grids.global);
  const teacher = tokenCrop(places.globals[1], grids.global);
  const globalMask = stratifiedMask(grids.global, random);
  const there = sampleMap(student, teacher, globalMask);
  const back = sampleMap(teacher, student, globalMask);
  return {
    globalSource: [there.source, back.source],
    globalTarget: [there.target, back.target],
    localTarget: localTargets(places.locals, [teacher, student], grids.local, random),
  };
}

/** For each local crop its pairs with the targets, in their order. */
function localTargets(
  locals: readonly CropCoordinates[],
  targets: readonly TokenCrop[],
  grid: SamplingGrid,
  random: RandomStream,
): ImageMaps["localTarget"] {
  if (locals.length === 0) return [];
  const mask = stratifiedMask(grid, random);
  return locals.flatMap((place) =>
    targets.map((target) => sampleMap(tokenCrop(place, grid), target, mask).target),
  );
}

function tokenCrop(coordinates: CropCoordinates, { side }: SamplingGrid): TokenCrop {
  return { coordinates, side };
}
