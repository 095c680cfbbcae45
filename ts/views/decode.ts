/**
 * Image files to pixels, as PIL's `Image.open(file).convert("RGB")` gives them: recognised by content, not by name;
 * EXIF orientation is not applied (but that of TIFF is), embedded colour profiles are ignored, alpha is dropped
 * without blending. One difference is meant: of 16-bit grey the high byte is kept, where PIL makes everything above
 * 255 white.
 *
 * Sound JPEG files are decoded natively, bit for bit as PIL's libjpeg-turbo does and in a third of sharp's time. sharp
 * decodes the other formats, and judges JPEG files in which something is wrong.
 */
import { readFile } from "node:fs/promises";
import sharp, { type Metadata, type Sharp } from "sharp";
import { decodeJpeg, type NativeImage, nativeImageInSlices } from "../native/native-image.js";
import type { DecodedImage } from "../native/types.js";
import { decodeBitmap, isBitmap } from "./bitmap.js";
import { rgbFromCmyk } from "./cmyk.js";
import { type Admit, checkSize, DecodeError, ImageDefect, PIXEL_LIMIT } from "./decode-error.js";
import { isJpeg, jpegSize } from "./jpeg-size.js";
import { decodeNetpbm, isNetpbm } from "./netpbm.js";

// One libvips thread for each image and no cache: images are decoded side by side and once, and cores left alone are libtorch's.
sharp.concurrency(1);
sharp.cache(false);

/** SVG and PDF, which libvips also reads, are no images to PIL. */
const FORMATS: ReadonlySet<string> = new Set(["jpeg", "png", "webp", "tiff", "gif", "heif"]);

/** What an image may take. */
export interface DecodeLimits {
  /** Width times height. */
  readonly maxPixels: number;
  /** Awaited with the bytes of the image's pixels, when its size is known and before they are decoded. */
  readonly room?: (bytes: number) => Promise<void>;
}

/** Throws DecodeError, and nothing else, for a file that is missing, damaged or no image. */
export async function decodeImage(file: string, limits?: DecodeLimits): Promise<NativeImage> {
  const bytes = await readFile(file).catch((cause: unknown) => {
    throw new DecodeError(file, reason(cause), { cause });
  });
  return decodeBytes(bytes, file, limits);
}

/** The same for bytes that were read before; `name` is that of their file. */
export async function decodeBytes(
  bytes: Buffer,
  name: string,
  limits: DecodeLimits = { maxPixels: PIXEL_LIMIT },
): Promise<NativeImage> {
  try {
    return await decoded(bytes, limits);
  } catch (cause) {
    throw new DecodeError(name, reason(cause), { cause });
  }
}

async function decoded(bytes: Buffer, { maxPixels, room }: DecodeLimits): Promise<NativeImage> {
  if (bytes.length === 0) throw new ImageDefect("expected an image, received an empty file");
  let admitted = false;
  const admit: Admit = async (width, height) => {
    checkSize(width, height, maxPixels);
    if (admitted) return;
    admitted = true;
    await room?.(3 * width * height);
  };
  const size = isJpeg(bytes) ? jpegSize(bytes) : null;
  if (size !== null) {
    await admit(size.width, size.height);
    const image = await decodeJpeg(bytes, maxPixels);
    if (image !== null) return image;
  }
  return nativeImageInSlices(await decodeOtherwise(bytes, admit));
}

async function decodeOtherwise(bytes: Buffer, admit: Admit): Promise<DecodedImage> {
  if (isBitmap(bytes)) return decodeBitmap(bytes, admit);
  if (isNetpbm(bytes)) return decodeNetpbm(bytes, admit);
  return decodeByVips(bytes, admit);
}

async function decodeByVips(bytes: Buffer, admit: Admit): Promise<DecodedImage> {
  const metadata = await sharp(bytes, { limitInputPixels: false }).metadata();
  if (!FORMATS.has(metadata.format)) {
    throw new ImageDefect(
      `expected a JPEG, PNG, WebP, TIFF, BMP, PPM or PGM image, received ${metadata.format}`,
    );
  }
  await admit(metadata.width, metadata.height);
  return metadata.space === "cmyk" ? decodeCmyk(bytes, metadata) : decodeRgb(bytes, metadata);
}

async function decodeRgb(bytes: Buffer, metadata: Metadata): Promise<DecodedImage> {
  return pixelsOf(opened(bytes, metadata).removeAlpha().toColourspace("srgb"), 3);
}

/** Like PIL, libvips takes the inks of every JPEG for inverted, whether Adobe's marker says so or not. */
async function decodeCmyk(bytes: Buffer, metadata: Metadata): Promise<DecodedImage> {
  const image = opened(bytes, metadata).pipelineColourspace("cmyk").toColourspace("cmyk");
  const { pixels, ...size } = await pixelsOf(image, 4);
  return { ...size, pixels: await rgbFromCmyk(pixels) };
}

/** "truncated" is where PIL draws the line between damage and blemish; for TIFF, libvips sees truncation as "error" only. */
function opened(bytes: Buffer, { format }: Metadata): Sharp {
  const failOn = format === "tiff" ? "error" : "truncated";
  const image = sharp(bytes, { ignoreIcc: true, failOn, limitInputPixels: false });
  return format === "tiff" ? image.autoOrient() : image;
}

async function pixelsOf(image: Sharp, channels: number): Promise<DecodedImage> {
  const { data, info } = await image.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
  if (info.channels !== channels)
    throw new ImageDefect(`expected ${channels} channels, received ${info.channels}`);
  return {
    pixels: new Uint8Array(data.buffer, data.byteOffset, data.length),
    width: info.width,
    height: info.height,
  };
}

function reason(cause: unknown): string {
  const text = cause instanceof Error ? cause.message : String(cause);
  if (text.includes("unsupported image format")) return "expected an image, received something else";
  return (
    text
      .split("\n")
      .find((line) => line.trim() !== "")
      ?.trim() ?? "cannot be decoded"
  );
}
