/** Normalised coordinates of crops: where a crop lies in its image, and whether it is flipped. */
import type { CropCoordinates, PixelBox } from "./types.js";

export interface ImageSize {
  readonly width: number;
  readonly height: number;
}

/** Coordinates of a box of this image, unflipped. */
export function cropCoordinates(box: PixelBox, image: ImageSize): CropCoordinates {
  return [
    normalised(box.top, image.height),
    normalised(box.left, image.width),
    normalised(box.top + box.height - 1, image.height),
    normalised(box.left + box.width - 1, image.width),
  ];
}

/** The same crop seen in a mirror: left and right change places, so that `right < left` means flipped. */
export function flipCoordinates([top, left, bottom, right]: CropCoordinates): CropCoordinates {
  return [top, right, bottom, left];
}

/** The box that the crop covers, whether it is flipped or not. */
export function unflipCoordinates([top, left, bottom, right]: CropCoordinates): CropCoordinates {
  return [Math.min(top, bottom), Math.min(left, right), Math.max(top, bottom), Math.max(left, right)];
}

/**
 * The box towards which local crops are moved: the smaller upper-left and the larger lower-right corner of the two
 * global crops. Flips are *not* undone first, so two flipped crops give a box that is narrower than their union, or
 * lies between them: the published models were trained so.
 */
export function unionCoordinates(one: CropCoordinates, other: CropCoordinates): CropCoordinates {
  return [
    Math.min(one[0], other[0]),
    Math.min(one[1], other[1]),
    Math.max(one[2], other[2]),
    Math.max(one[3], other[3]),
  ];
}

/** An image one pixel wide has no extent to divide by: its only column lies at 0. */
function normalised(pixel: number, size: number): number {
  return size > 1 ? pixel / (size - 1) : 0;
}
