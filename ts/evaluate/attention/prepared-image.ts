/** An image as the network gets it: resized, and cut to whole patches. */
import sharp from "sharp";
import { DataError } from "../../errors.js";
import type { ImageBatch } from "../../native/encoder.js";
import type { DecodedImage } from "../../native/types.js";
import type { Picture } from "../../picture/attended-image.js";
import type { PictureSize } from "../../picture/patch-map.js";

/** `shorter`: the shorter side in pixels, as torchvision's Resize does with one number. `exact`: whatever that does to the shape. */
export type SizeChoice =
  | { readonly kind: "as-is" }
  | { readonly kind: "shorter"; readonly side: number }
  | { readonly kind: "exact"; readonly height: number; readonly width: number };

/** A network's work on an image grows with the square of its patches: this many are minutes on a CPU. */
const MOST_PATCHES = 32_768;

/**
 * Bilinear resizing, then what fills no patch at the right and below is cut off. Throws DataError, which names the file, for
 * an image that holds no patch, or too many.
 */
export async function preparedImage(
  file: string,
  decoded: DecodedImage,
  choice: SizeChoice,
  patchSize: number,
): Promise<Picture> {
  const size = resizedSize(decoded, choice);
  const [height, width] = [size.height, size.width].map((side) => side - (side % patchSize)) as [
    number,
    number,
  ];
  checkPatches(file, size, (height / patchSize) * (width / patchSize), patchSize);
  const raw = { width: decoded.width, height: decoded.height, channels: 3 as const };
  const picture = await sharp(decoded.pixels, { raw })
    .resize(size.width, size.height, { fit: "fill", kernel: "linear" })
    .extract({ left: 0, top: 0, width, height })
    .raw()
    .toBuffer();
  return { height, width, pixels: new Uint8Array(picture.buffer, picture.byteOffset, picture.length) };
}

export function resizedSize({ height, width }: PictureSize, choice: SizeChoice): PictureSize {
  if (choice.kind === "exact") return { height: choice.height, width: choice.width };
  if (choice.kind === "as-is") return { height, width };
  const longer = Math.floor((choice.side * Math.max(height, width)) / Math.min(height, width));
  return height <= width ? { height: choice.side, width: longer } : { height: longer, width: choice.side };
}

/** Pixels one colour behind the other, as a batch of one image. */
export function batchOf({ height, width, pixels }: Picture): ImageBatch {
  const area = height * width;
  const planes = new Uint8Array(3 * area);
  for (let at = 0; at < area; at++) {
    for (let channel = 0; channel < 3; channel++)
      planes[channel * area + at] = pixels[3 * at + channel] as number;
  }
  return { images: 1, height, width, pixels: planes };
}

function checkPatches(
  file: string,
  { height, width }: PictureSize,
  patches: number,
  patchSize: number,
): void {
  if (patches > 0 && patches <= MOST_PATCHES) return;
  const bounds =
    patches === 0
      ? `at least one patch of ${patchSize}x${patchSize} pixels`
      : `at most ${MOST_PATCHES} patches`;
  const received = `${height}x${width} pixels (height x width)${patches === 0 ? "" : `, ${patches} patches`}`;
  throw new DataError(`${file}: expected ${bounds}, received ${received}`, {
    hint: patches === 0 ? "choose a larger --size" : "choose a smaller --size, e.g. --size 480x480",
  });
}
