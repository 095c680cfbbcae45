/** An image file that cannot be used, and why. */
import { DataError } from "../errors.js";

export class DecodeError extends DataError {
  readonly file: string;
  /** What is wrong with the file, without its name. */
  readonly reason: string;

  constructor(file: string, reason: string, options: { readonly cause?: unknown } = {}) {
    super(`${file}: ${reason}`, { ...options, hint: "replace the file or remove it" });
    this.file = file;
    this.reason = reason;
  }
}

/** What is wrong with an image, said by one that does not know the name of its file. */
export class ImageDefect extends Error {}

/** PIL's limit: a small file can claim any size. */
export const PIXEL_LIMIT = 178_956_970;

/** Called with the size of an image before its pixels are decoded. Throws ImageDefect where it is empty or too large. */
export type Admit = (width: number, height: number) => Promise<void>;

/** Throws ImageDefect where an image of this size is empty or has more than `maxPixels`. */
export function checkSize(width: number, height: number, maxPixels: number): void {
  if (!(width > 0 && height > 0))
    throw new ImageDefect(`expected an image, received ${width} x ${height} pixels`);
  if (width * height <= maxPixels) return;
  throw new ImageDefect(`expected at most ${maxPixels} pixels, received ${width} x ${height}`);
}
