import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decodeImage } from "../../ts/views/decode.js";
import { DecodeError } from "../../ts/views/decode-error.js";
import { temporaryFolder } from "../native/fake-libtorch.js";

const FIXTURES = join(import.meta.dirname, "fixtures");

interface Expected {
  readonly width: number;
  readonly height: number;
  readonly deflated: string;
}

const expected: Record<string, Expected> = JSON.parse(readFileSync(join(FIXTURES, "expected.json"), "utf8"));

/** Two JPEG or lossy WebP decoders may round differently; everything else is exact. */
function tolerance(name: string): number {
  return /\.jpe?g$|lossy/.test(name) ? 2 : 0;
}

function largestDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((largest, value, at) => Math.max(largest, Math.abs(value - (b[at] as number))), 0);
}

function read(name: string): Buffer {
  return readFileSync(join(FIXTURES, name));
}

async function write(bytes: Buffer | string): Promise<string> {
  const file = join(temporaryFolder(), "image.jpg");
  await writeFile(file, bytes);
  return file;
}

describe("an image has the pixels that PIL sees", () => {
  test.each(Object.keys(expected))("%s", async (name) => {
    const { width, height, deflated } = expected[name] as Expected;
    const image = await decodeImage(join(FIXTURES, name));
    expect([image.width, image.height]).toEqual([width, height]);
    const pixels = inflateSync(Buffer.from(deflated, "base64"));
    expect(image.pixels.length).toBe(pixels.length);
    expect(largestDifference(image.pixels, pixels)).toBeLessThanOrEqual(tolerance(name));
  });

  test("every fixture has its expected pixels", () => {
    const images = readdirSync(FIXTURES).filter((name) => !/\.(py|json)$/.test(name));
    expect(images.sort()).toEqual(Object.keys(expected).sort());
  });
});

describe("a truncated file is refused", () => {
  const names = [
    "rgb.jpg",
    "progressive.jpg",
    "cmyk.jpg",
    "rgb.png",
    "palette.png",
    "rgb-16.png",
    "lossy.webp",
  ];
  const plain = [
    "rgb.tif",
    "cmyk.tif",
    "a-gif.png",
    "rgb.bmp",
    "palette.bmp",
    "rgb.ppm",
    "grey-16.pgm",
    "plain.ppm",
  ];
  test.each([...names, ...plain])("%s", async (name) => {
    const whole = read(name);
    for (const share of [0.2, 0.5, 0.8]) {
      const file = await write(whole.subarray(0, Math.floor(whole.length * share)));
      await expect(decodeImage(file), `${share} of it`).rejects.toThrow(DecodeError);
    }
  });

  test("a JPEG that lacks only its end marker", async () => {
    const file = await write(read("rgb.jpg").subarray(0, -2));
    await expect(decodeImage(file)).rejects.toThrow(/premature end/);
  });
});

describe("blemishes that PIL passes over are passed over", () => {
  const jpeg = read("rgb.jpg");
  const scan = jpeg.indexOf(Buffer.from([0xff, 0xda]));
  const cases: Record<string, Buffer> = {
    "bytes after the end": Buffer.concat([jpeg, Buffer.alloc(100, 7)]),
    "stray bytes between segments": Buffer.concat([
      jpeg.subarray(0, scan),
      Buffer.from([1, 2]),
      jpeg.subarray(scan),
    ]),
    "a damaged EXIF block": damaged(read("orientation.jpg"), "Exif"),
    "a damaged colour profile": damaged(read("profile.jpg"), "ICC_PROFILE"),
    "a PNG without its last chunk": read("rgb.png").subarray(0, -12),
  };
  test.each(Object.keys(cases))("%s", async (name) => {
    const image = await decodeImage(await write(cases[name] as Buffer));
    expect([image.width, image.height]).toEqual([21, 13]);
  });
});

function damaged(bytes: Buffer, after: string): Buffer {
  const at = bytes.indexOf(after) + after.length + 2;
  return Buffer.from(bytes).fill(0xee, at, at + 12);
}

describe("what is no image is refused with the reason", () => {
  const bomb = read("rgb.bmp");
  bomb.writeInt32LE(100_000, 18);
  bomb.writeInt32LE(100_000, 22);
  const cases: [string, Buffer | string, RegExp][] = [
    ["an empty file", "", /received an empty file/],
    ["text", "no image at all", /expected an image/],
    ["SVG", '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', /received svg/],
    ["a bitmap of 10 thousand million pixels", bomb, /at most 178956970 pixels/],
    ["a PPM of 10 thousand million pixels", "P6 100000 100000 255\n", /at most 178956970 pixels/],
    [
      "a compressed bitmap",
      compressedBitmap(),
      /expected uncompressed pixels, received 8 bits, compression 1/,
    ],
  ];
  test.each(cases)("%s", async (_, bytes, reason) => {
    const file = await write(bytes);
    const error = await decodeImage(file).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DecodeError);
    expect((error as DecodeError).reason).toMatch(reason);
    expect((error as DecodeError).message).toBe(`${file}: ${(error as DecodeError).reason}`);
  });

  test("a PNG larger than the limit", async () => {
    const side = 13_400;
    const flat = sharp({ create: { width: side, height: side, channels: 3, background: "red" } });
    const file = await write(await flat.png({ compressionLevel: 1 }).toBuffer());
    await expect(decodeImage(file)).rejects.toThrow(/pixel limit/);
  });

  test("a file that does not exist", async () => {
    await expect(decodeImage("/nowhere/cat.jpg")).rejects.toThrow(DecodeError);
  });
});

function compressedBitmap(): Buffer {
  const bytes = read("palette.bmp");
  bytes.writeUInt16LE(8, 28);
  bytes.writeUInt32LE(1, 30);
  return bytes;
}

test("libvips keeps to one thread for an image and keeps none of them", () => {
  expect(sharp.concurrency()).toBe(1);
  expect(sharp.cache().items.max).toBe(0);
});
