/** Whole images of one size for a backbone, and the attention that it pays to their patches. */
import { ArgumentError } from "../errors.js";
import type { Erasure } from "../recipe/types.js";
import type * as addon from "./addon.js";
import { pixelArray, record, wholeNumber } from "./argument-checks.js";
import { checkErasures } from "./check-augmented.js";

/** Images of one size that holds a patch. What fills no patch, right and below, is dropped. */
export interface ImageBatch {
  readonly images: number;
  /** In pixels. */
  readonly height: number;
  readonly width: number;
  /** `[images, 3, height, width]`: RGB bytes, normalised on the device, or normalised floats. */
  readonly pixels: Uint8Array | Float32Array;
  /** Boxes that are written over once the pixels are normalised, one after the other. Default: none. */
  readonly erasures?: readonly ImageErasure[] | undefined;
}

export interface ImageErasure extends Erasure {
  /** Index in the batch. */
  readonly image: number;
}

export interface AttentionMaps {
  /** `[images, heads, queries, tokens]`: softmax over the tokens, class tokens first, patches row by row. */
  readonly values: Float32Array;
  readonly heads: number;
  /** P, or all tokens. */
  readonly queries: number;
  /** P + rows * columns. */
  readonly tokens: number;
  /** Grid of patches. */
  readonly rows: number;
  readonly columns: number;
}

/** What of a model decides the shape of its attention. */
interface Shape {
  readonly heads: number;
  readonly patchSize: number;
  readonly classTokens: number;
}

/** Values of the addon with their shape. */
export function attentionMaps(
  values: Float32Array,
  images: addon.ImageBatch,
  { heads, patchSize, classTokens }: Shape,
  queries: "class" | "all",
): AttentionMaps {
  const [rows, columns] = [images.height, images.width].map((side) => Math.floor(side / patchSize)) as [
    number,
    number,
  ];
  const tokens = classTokens + rows * columns;
  return { values, heads, queries: queries === "all" ? tokens : classTokens, tokens, rows, columns };
}

/** Throws ArgumentError for images that hold no patch. */
export function checkImages(value: unknown, { patchSize }: Pick<Shape, "patchSize">): addon.ImageBatch {
  const batch = record("batch", value);
  const images = wholeNumber("batch.images", batch.images, 1);
  const height = wholeNumber("batch.height", batch.height, 1);
  const width = wholeNumber("batch.width", batch.width, 1);
  if (Math.min(height, width) < patchSize) {
    const expected = `at least one patch of ${patchSize}x${patchSize} pixels`;
    throw new ArgumentError(`image: expected ${expected}, received ${height}x${width} (height x width)`, {
      hint: "give larger images, or resize them first",
    });
  }
  const pixels = pixelArray("batch.pixels", batch.pixels, [images, 3, height, width]);
  const erasures = checkErasures("batch.erasures", batch.erasures);
  return { images, height, width, pixels, ...(erasures === null ? {} : { erasures }) };
}
