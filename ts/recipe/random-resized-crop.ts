/** The random resized crop: a box of random area and aspect ratio, anywhere in its image. */
import type { RandomStream } from "../random.js";
import type { ImageSize } from "./coordinates.js";
import { roundHalfEven } from "./half-even.js";
import type { PixelBox } from "./types.js";

export interface CropRange {
  /** Share of the image's area. */
  readonly scale: readonly [low: number, high: number];
  /** Width divided by height. */
  readonly aspectRatio: readonly [low: number, high: number];
}

/** The aspect ratios of all crops. */
export const ASPECT_RATIO: CropRange["aspectRatio"] = [3 / 4, 4 / 3];

const ATTEMPTS = 10;

/** A random box inside the image; the central one where no attempt fits, as with a very long image. */
export function randomResizedCrop(image: ImageSize, range: CropRange, random: RandomStream): PixelBox {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const { height, width } = randomShape(image, range, random);
    const fits = height > 0 && height <= image.height && width > 0 && width <= image.width;
    if (!fits) continue;
    const top = random.integer(0, image.height - height + 1);
    const left = random.integer(0, image.width - width + 1);
    return { top, left, height, width };
  }
  return centralCrop(image, range.aspectRatio);
}

type Shape = Pick<PixelBox, "height" | "width">;

function randomShape(image: ImageSize, range: CropRange, random: RandomStream): Shape {
  const area = random.uniform(...range.scale) * (image.height * image.width);
  const [narrowest, widest] = range.aspectRatio;
  const aspectRatio = Math.exp(random.uniform(Math.log(narrowest), Math.log(widest)));
  return {
    height: roundHalfEven(Math.sqrt(area / aspectRatio)),
    width: roundHalfEven(Math.sqrt(area * aspectRatio)),
  };
}

function centralCrop(image: ImageSize, aspectRatio: CropRange["aspectRatio"]): PixelBox {
  const { height, width } = centralShape(image, aspectRatio);
  const top = Math.floor((image.height - height) / 2);
  const left = Math.floor((image.width - width) / 2);
  return { top, left, height, width };
}

/** The largest shape whose aspect ratio is allowed: the whole image, or its whole shorter side; at least one pixel. */
function centralShape({ height, width }: ImageSize, [narrowest, widest]: CropRange["aspectRatio"]): Shape {
  const aspectRatio = width / height;
  if (aspectRatio < narrowest) return { height: Math.max(1, roundHalfEven(width / narrowest)), width };
  if (aspectRatio > widest) return { height, width: Math.max(1, roundHalfEven(height * widest)) };
  return { height, width };
}
