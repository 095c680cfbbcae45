/**
 * Image files to pixels, as PIL's `Image.open(file).convert("RGB")` gives them: recognised by content, not by name;
 * EXIF orientation is not applied (but that of TIFF is), embedded colour profiles are ignored, alpha is dropped
 * without blending. One difference is meant: of 16-bit grey the high byte is kept, where PIL makes everything above
 * 255 white.
 */
import { readFile } from "node:fs/promises";
import sharp, { type Metadata, type Sharp } from "sharp";
import type { DecodedImage } from "../native/types.js";
import { decodeBitmap, isBitmap } from "./bitmap.js";
import { rgbFromCmyk } from "./cmyk.js";
import { DecodeError, ImageDefect, PIXEL_LIMIT } from "./decode-error.js";
import { decodeNetpbm, isNetpbm } from "./netpbm.js";

// One libvips thread for each image and no cache: images are decoded side by side and once, and cores left alone are libtorch's.
sharp.concurrency(1);
sharp.cache(false);

/** SVG and PDF, which libvips also reads, are no images to PIL. */
const FORMATS: ReadonlySet<string> = new Set(["jpeg", "png", "webp", "tiff", "gif", "heif"]);

/** Throws DecodeError, and nothing else, for a file that is missing, damaged or no image. */
export async function decodeImage(file: string): Promise<DecodedImage> {
  try {
    return await decodeBytes(await readFile(file));
  } catch (cause) {
    throw new DecodeError(file, reason(cause), { cause });
  }
}

async function decodeBytes(bytes: Buffer): Promise<DecodedImage> {
  if (bytes.length === 0) throw new ImageDefect("expected an image, received an empty file");
  if (isBitmap(bytes)) return decodeBitmap(bytes);
  if (isNetpbm(bytes)) return decodeNetpbm(bytes);
  return decodeByVips(bytes);
}

async function decodeByVips(bytes: Buffer): Promise<DecodedImage> {
  const metadata = await sharp(bytes, { limitInputPixels: PIXEL_LIMIT }).metadata();
  if (!FORMATS.has(metadata.format)) {
    throw new ImageDefect(
      `expected a JPEG, PNG, WebP, TIFF, BMP, PPM or PGM image, received ${metadata.format}`,
    );
  }
  return metadata.space === "cmyk" ? decodeCmyk(bytes, metadata) : decodeRgb(bytes, metadata);
}

async function decodeRgb(bytes: Buffer, metadata: Metadata): Promise<DecodedImage> {
  return pixelsOf(opened(bytes, metadata).removeAlpha().toColourspace("srgb"), 3);
}

/** Like PIL, libvips takes the inks of every JPEG for inverted, whether Adobe's marker says so or not. */
async function decodeCmyk(bytes: Buffer, metadata: Metadata): Promise<DecodedImage> {
  const image = opened(bytes, metadata).pipelineColourspace("cmyk").toColourspace("cmyk");
  const { pixels, ...size } = await pixelsOf(image, 4);
  return { ...size, pixels: rgbFromCmyk(pixels) };
}

/** "truncated" is where PIL draws the line between damage and blemish; for TIFF, libvips sees truncation as "error" only. */
function opened(bytes: Buffer, { format }: Metadata): Sharp {
  const failOn = format === "tiff" ? "error" : "truncated";
  const image = sharp(bytes, { ignoreIcc: true, failOn, limitInputPixels: PIXEL_LIMIT });
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
