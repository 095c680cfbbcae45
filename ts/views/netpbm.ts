/** PGM and PPM images, plain (P2, P3) and raw (P5, P6), which sharp's libvips does not read. */
import { inSlices } from "../native/in-slices.js";
import type { DecodedImage } from "../native/types.js";
import { roundHalfEven } from "../recipe/half-even.js";
import { type Admit, ImageDefect } from "./decode-error.js";

/** Values made in one turn of the event loop: some milliseconds. */
const SLICE = 1 << 17;

export function isNetpbm(bytes: Buffer): boolean {
  return /^P[2356][\s#]/.test(bytes.toString("latin1", 0, 3));
}

/** Throws ImageDefect where it is damaged. */
export async function decodeNetpbm(bytes: Buffer, admit: Admit): Promise<DecodedImage> {
  const header = readHeader(bytes);
  await admit(header.width, header.height);
  if (!(header.maximum > 0 && header.maximum < 65536)) {
    throw new ImageDefect(`largest value: expected 1 to 65535, received ${header.maximum}`);
  }
  const values = header.width * header.height * header.channels;
  const samples = header.plain ? plainSamples(bytes, header, values) : rawSamples(bytes, header, values);
  return { pixels: await toRgb(samples, header), width: header.width, height: header.height };
}

interface Header {
  readonly plain: boolean;
  readonly channels: 1 | 3;
  readonly width: number;
  readonly height: number;
  /** The value that means white. */
  readonly maximum: number;
  /** Where the samples begin. */
  readonly end: number;
}

/** Magic number, width, height and maximum, with comments between them, then one white space. */
const HEADER =
  /^P([2356])(?:\s|#[^\n\r]*[\n\r])+(\d+)(?:\s|#[^\n\r]*[\n\r])+(\d+)(?:\s|#[^\n\r]*[\n\r])+(\d+)\s/;

function readHeader(bytes: Buffer): Header {
  const [text, kind, width, height, maximum] = HEADER.exec(bytes.toString("latin1", 0, 4096)) ?? [];
  if (text === undefined)
    throw new ImageDefect("expected width, height and largest value of a PPM or PGM image");
  return {
    plain: kind === "2" || kind === "3",
    channels: kind === "2" || kind === "5" ? 1 : 3,
    width: Number(width),
    height: Number(height),
    maximum: Number(maximum),
    end: text.length,
  };
}

function plainSamples(bytes: Buffer, { end, maximum }: Header, values: number): Uint16Array {
  const words = bytes.toString("latin1", end).replace(/#.*/g, "").match(/\d+/g) ?? [];
  checkLength(words.length, values);
  return Uint16Array.from({ length: values }, (_, index) => Math.min(maximum, Number(words[index])));
}

function rawSamples(bytes: Buffer, { end, maximum }: Header, values: number): Uint8Array | Uint16Array {
  const width = maximum < 256 ? 1 : 2;
  checkLength(Math.floor((bytes.length - end) / width), values);
  if (width === 1) return bytes.subarray(end, end + values);
  return Uint16Array.from({ length: values }, (_, index) => bytes.readUInt16BE(end + 2 * index));
}

function checkLength(found: number, expected: number): void {
  if (found >= expected) return;
  throw new ImageDefect(`the file is truncated: expected ${expected} values, found ${found}`);
}

/** 16 bits: the high byte; else scaled so that `maximum` becomes 255. */
async function toRgb(samples: Uint8Array | Uint16Array, { channels, maximum }: Header): Promise<Uint8Array> {
  const byte = (value: number) =>
    maximum === 65535 ? value >> 8 : Math.min(255, roundHalfEven((value / maximum) * 255));
  const table = Uint8Array.from({ length: maximum + 1 }, (_, value) => byte(value));
  const copies = 3 / channels;
  const pixels = new Uint8Array(samples.length * copies);
  await inSlices(samples.length, SLICE, (from, to) => {
    for (let at = from; at < to; at++) {
      pixels.fill(table[samples[at] as number] ?? 255, at * copies, (at + 1) * copies);
    }
  });
  return pixels;
}
