/** Uncompressed Windows bitmaps of 1, 4, 8, 16 (5-5-5), 24 and 32 bits, which sharp's libvips does not read. */
import { inSlices } from "../native/in-slices.js";
import type { DecodedImage } from "../native/types.js";
import { type Admit, ImageDefect } from "./decode-error.js";

/** Pixels read in one turn of the event loop: some milliseconds. */
const SLICE = 1 << 17;

export function isBitmap(bytes: Buffer): boolean {
  return bytes.toString("latin1", 0, 2) === "BM";
}

interface Header {
  readonly width: number;
  readonly height: number;
  /** Rows are stored from the top; usually they are from the bottom. */
  readonly topDown: boolean;
  readonly bits: number;
  /** Where the pixels begin. */
  readonly pixels: number;
  /** Where the colour table begins. */
  readonly palette: number;
}

/** Throws ImageDefect where it is damaged or of a kind not read. */
export async function decodeBitmap(bytes: Buffer, admit: Admit): Promise<DecodedImage> {
  const header = readHeader(bytes);
  const { width, height, topDown, bits } = header;
  await admit(width, height);
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (bytes.length < header.pixels + stride * height) throw new ImageDefect("the file is truncated");
  const colour = colourReader(bytes, header);
  const pixels = new Uint8Array(width * height * 3);
  await inSlices(height, Math.ceil(SLICE / width), (from, to) => {
    for (let y = from; y < to; y++) {
      const row = header.pixels + stride * (topDown ? y : height - 1 - y);
      for (let x = 0; x < width; x++) writeColour(pixels, 3 * (y * width + x), colour(row, x));
    }
  });
  return { pixels, width, height };
}

function readHeader(bytes: Buffer): Header {
  if (bytes.length < 54) throw new ImageDefect("the file is truncated");
  const size = bytes.readUInt32LE(14);
  if (size < 40) throw new ImageDefect(`bitmap header: expected at least 40 bytes, received ${size}`);
  const [width, signedHeight] = [bytes.readInt32LE(18), bytes.readInt32LE(22)];
  const bits = bytes.readUInt16LE(28);
  checkKind(bytes, bits);
  const [pixels, palette] = [bytes.readUInt32LE(10), 14 + size];
  return { width, height: Math.abs(signedHeight), topDown: signedHeight < 0, bits, pixels, palette };
}

const UNCOMPRESSED = 0;
const MASKS = 3;

/** With masks, only the order that files without masks have too. */
function checkKind(bytes: Buffer, bits: number): void {
  const compression = bytes.readUInt32LE(30);
  const plain = compression === UNCOMPRESSED && [1, 4, 8, 16, 24, 32].includes(bits);
  const masked = compression === MASKS && bits === 32 && bytes.length > 66 && hasUsualMasks(bytes);
  if (plain || masked) return;
  throw new ImageDefect(
    `bitmap: expected uncompressed pixels, received ${bits} bits, compression ${compression}`,
  );
}

function hasUsualMasks(bytes: Buffer): boolean {
  const [red, green, blue] = [54, 58, 62].map((at) => bytes.readUInt32LE(at));
  return red === 0xff0000 && green === 0xff00 && blue === 0xff;
}

/** Gives 0xRRGGBB of pixel x of the row that begins at byte `row`. */
function colourReader(bytes: Buffer, { bits, palette }: Header): (row: number, x: number) => number {
  if (bits >= 24) return (row, x) => bytes.readUIntLE(row + x * (bits / 8), 3);
  if (bits === 16) return (row, x) => fromFiveBits(bytes.readUInt16LE(row + 2 * x));
  const mask = 2 ** bits - 1;
  return (row, x) => {
    const bit = x * bits;
    const index = ((bytes[row + (bit >> 3)] as number) >> (8 - bits - (bit & 7))) & mask;
    return bytes.readUIntLE(palette + 4 * index, 3);
  };
}

/** 0RRRRRGGGGGBBBBB */
function fromFiveBits(value: number): number {
  const [red, green, blue] = [10, 5, 0].map((shift) => Math.trunc((((value >> shift) & 31) * 255) / 31));
  return ((red as number) << 16) | ((green as number) << 8) | (blue as number);
}

function writeColour(pixels: Uint8Array, at: number, colour: number): void {
  pixels[at] = colour >> 16;
  pixels[at + 1] = (colour >> 8) & 255;
  pixels[at + 2] = colour & 255;
}
