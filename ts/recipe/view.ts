/** One view of an image: its crop, its flip and its photometric choices. */
import type { RandomStream } from "../random.js";
import { cropCoordinates, flipCoordinates, type ImageSize } from "./coordinates.js";
import { moveToOverlap } from "./overlap.js";
import { type PhotometricOptions, photometricChoice } from "./photometric.js";
import { type CropRange, randomResizedCrop } from "./random-resized-crop.js";
import type { CropCoordinates, PixelBox, ViewRecipe } from "./types.js";

export interface ViewOptions {
  /** Side of the view in pixels. */
  readonly size: number;
  readonly range: CropRange;
  readonly flipProbability: number;
  readonly photometric: PhotometricOptions;
}

export interface PlacedView {
  readonly recipe: ViewRecipe;
  /** Where the view lies in the image, and whether it is flipped. */
  readonly coordinates: CropCoordinates;
}

/** Draws a view that overlaps the reference, or lies anywhere where there is none. */
export function drawView(
  image: ImageSize,
  options: ViewOptions,
  reference: CropCoordinates | null,
  random: RandomStream,
): PlacedView {
  const crop = guidedCrop(image, options.range, reference, random);
  const flipped = random.chance(options.flipProbability);
  const unflipped = cropCoordinates(crop, image);
  return {
    recipe: { crop, size: options.size, flipped, ...photometricChoice(options.photometric, random) },
    coordinates: flipped ? flipCoordinates(unflipped) : unflipped,
  };
}

/** A random resized crop, moved to overlap its reference where there is one. */
export function guidedCrop(
  image: ImageSize,
  range: CropRange,
  reference: CropCoordinates | null,
  random: RandomStream,
): PixelBox {
  const crop = randomResizedCrop(image, range, random);
  return reference === null ? crop : moveToOverlap(crop, reference, image);
}
