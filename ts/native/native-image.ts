/** Decoded images in native memory. */
import { ArgumentError } from "../errors.js";
import type * as addon from "./addon.js";
import { byteArray, list, record, wholeNumber } from "./argument-checks.js";
import { delegate, delegateNow } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import { inSlices } from "./in-slices.js";
import type { DecodedImage } from "./types.js";

/** A decoded image whose pixels no array of JavaScript holds. */
export interface NativeImage extends DecodedImage, Disposable {
  /** A copy of the pixels, made at each reading. */
  readonly pixels: Uint8Array;
  /** Size in memory. */
  readonly bytes: number;
  /** Seconds of one core that decoding took; 0 where it was not decoded natively. */
  readonly decodeSeconds: number;
  /** Frees the memory, now or when the last rendering that uses it is done. */
  [Symbol.dispose](): void;
}

/** Longest side of an image; larger than any picture format allows. */
const LONGEST_SIDE = 2 ** 24;

const DISPOSED = "image: expected pixels in memory, received an image that was disposed of";

export class ImageHandle implements NativeImage {
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
  readonly decodeSeconds: number;
  #image: addon.NativeImage | null;

  constructor(image: addon.NativeImage) {
    this.width = image.width;
    this.height = image.height;
    this.bytes = image.bytes;
    this.decodeSeconds = image.decodeSeconds;
    this.#image = image;
  }

  /** What the addon takes; throws ArgumentError once it is disposed of. */
  get image(): addon.NativeImage {
    if (this.#image !== null) return this.#image;
    throw new ArgumentError(DISPOSED);
  }

  get pixels(): Uint8Array {
    const { image } = this;
    return delegateNow(() => image.pixels());
  }

  [Symbol.dispose](): void {
    this.#image?.dispose();
    this.#image = null;
  }
}

/** Copies RGB pixels `[height, width, 3]` into native memory. */
export function nativeImage(pixels: Uint8Array, width: number, height: number): NativeImage {
  return copied("image", { pixels, width, height });
}

/** Bytes copied in one turn of the event loop: some milliseconds, most of them for new memory. */
const SLICE = 1 << 22;

/** The same with turns of the event loop in between; the pixels must stay as they are until it is done. */
export async function nativeImageInSlices(image: DecodedImage): Promise<NativeImage> {
  const { pixels, writer } = opened("image", image);
  await inSlices(pixels.length, SLICE, (from, to) => writer.append(pixels.subarray(from, to)));
  return finished(writer);
}

function copied(name: string, value: unknown): ImageHandle {
  const { pixels, writer } = opened(name, value);
  writer.append(pixels);
  return finished(writer);
}

function opened(name: string, value: unknown) {
  const image = record(name, value);
  const width = wholeNumber(`${name}.width`, image.width, 1, LONGEST_SIDE);
  const height = wholeNumber(`${name}.height`, image.height, 1, LONGEST_SIDE);
  const pixels = byteArray(`${name}.pixels`, image.pixels, [height, width, 3]);
  return { pixels, writer: delegateNow(() => engineAddon().openImage(width, height)) };
}

function finished(writer: addon.ImageWriter): ImageHandle {
  return new ImageHandle(delegateNow(() => writer.finish()));
}

/** An image that the addon takes for as long as this is in use. */
export interface LentImage extends Disposable {
  readonly image: addon.NativeImage;
}

/** An image as it is, or a copy of one in JavaScript's memory, which lasts until it is disposed of. */
export function lendImage(name: string, value: unknown): LentImage {
  if (value instanceof ImageHandle) return { image: value.image, [Symbol.dispose]: () => {} };
  const copy = copied(name, value);
  return { image: copy.image, [Symbol.dispose]: () => copy[Symbol.dispose]() };
}

/** Images that the addon takes for as long as this is in use. */
export interface LentImages extends Disposable {
  readonly handles: addon.NativeImage[];
}

export function lendImages(name: string, value: unknown): LentImages {
  const lent: LentImage[] = [];
  const dispose = () => {
    for (const image of lent) image[Symbol.dispose]();
  };
  try {
    list(name, value, (of, image) => lent.push(lendImage(of, image)));
  } catch (error) {
    dispose();
    throw error;
  }
  return { handles: lent.map(({ image }) => image), [Symbol.dispose]: dispose };
}

/**
 * Decodes a JPEG file as libjpeg-turbo does, on one of the view threads. Null: it is not wholly sound, or larger than
 * `maxPixels`. The file is copied before this returns.
 */
export async function decodeJpeg(file: Uint8Array, maxPixels: number): Promise<NativeImage | null> {
  const image = await delegate(() => engineAddon().decodeJpegFile(file, maxPixels));
  return image ? new ImageHandle(image) : null;
}
