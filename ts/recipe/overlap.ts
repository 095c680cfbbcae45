/** Moving a crop so that it overlaps its reference crop, for about a quarter of the smaller one's area or more. */
import type { ImageSize } from "./coordinates.js";
import { unflipCoordinates } from "./coordinates.js";
import { roundHalfEven } from "./half-even.js";
import type { CropCoordinates, PixelBox } from "./types.js";

/** The part of a box on one axis, in pixels. */
interface Span {
  readonly first: number;
  readonly last: number;
  /** As the published rule counts it: `last - first + 1` for the crop, but `last - first` for its reference. */
  readonly length: number;
}

/** The crop, moved towards the reference where they overlap too little, and kept inside the image. */
export function moveToOverlap(crop: PixelBox, reference: CropCoordinates, image: ImageSize): PixelBox {
  const [top, left, bottom, right] = unflipCoordinates(reference);
  const rows = cropSpan(crop.top, crop.height);
  const columns = cropSpan(crop.left, crop.width);
  const referenceRows = referenceSpan(top, bottom, image.height);
  const referenceColumns = referenceSpan(left, right, image.width);
  const boundingHeight = Math.max(rows.last, referenceRows.last) - Math.min(rows.first, referenceRows.first);
  // A quirk kept on purpose: the first *row* of the crop stands where its first column is meant, because the
  // published models were trained so.
  const boundingWidth =
    Math.max(columns.last, referenceColumns.last) - Math.min(rows.first, referenceColumns.first);
  return {
    top: movedFirst(rows, referenceRows, boundingHeight, image.height),
    left: movedFirst(columns, referenceColumns, boundingWidth, image.width),
    height: crop.height,
    width: crop.width,
  };
}

function cropSpan(first: number, length: number): Span {
  return { first, last: first + length - 1, length };
}

/** Back from normalised coordinates to whole pixels. */
function referenceSpan(low: number, high: number, size: number): Span {
  const first = roundHalfEven(low * (size - 1));
  const last = roundHalfEven(high * (size - 1));
  return { first, last, length: last - first };
}

function movedFirst(span: Span, reference: Span, bounding: number, size: number): number {
  const away = (reference.first + reference.last) / 2 - (span.first + span.last) / 2;
  const direction = away / (Math.abs(away) + 1e-5);
  const moved = span.first + roundHalfEven(direction * shift(span, reference, bounding));
  return Math.max(0, Math.min(moved, size - span.length));
}

/** Closes the gap between the two, then adds half of the shorter one where they overlap by less than that. */
function shift(span: Span, reference: Span, bounding: number): number {
  const together = span.length + reference.length;
  const gap = Math.max(0, bounding - together);
  const wanted = 0.5 * Math.min(span.length, reference.length);
  return bounding >= together - wanted ? gap + wanted : gap;
}
