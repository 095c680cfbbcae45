import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { decodeBytes, decodeImage } from "../../ts/views/decode.js";
import { DecodeError } from "../../ts/views/decode-error.js";
import { temporaryFolder } from "../native/fake-libtorch.js";

const FIXTURES = join(import.meta.dirname, "fixtures");

interface Expected {
  readonly width: number;
  readonly height: number;
  readonly deflated: string;
}

const expected: Record<string, Expected> = JSON.parse(readFileSync(join(FIXTURES, "expected.json"), "utf8"));

/** Two decoders of lossy WebP may round differently; everything else is exact. */
function tolerance(name: string): number {
  return name.includes("lossy") ? 2 : 0;
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
      "a JPEG of 900 million pixels",
      claiming(30_000, 30_000),
      /at most 178956970 pixels, received 30000 x 30000/,
    ],
    ["a JPEG without rows", claiming(21, 0), /expected an image, received 21 x 0 pixels/],
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
    await expect(decodeImage(file)).rejects.toThrow(
      "expected at most 178956970 pixels, received 13400 x 13400",
    );
  });

  test("a file that does not exist", async () => {
    await expect(decodeImage("/nowhere/cat.jpg")).rejects.toThrow(DecodeError);
  });
});

/** A JPEG that says it has another size. */
function claiming(width: number, height: number): Buffer {
  const bytes = read("rgb.jpg");
  const frame = bytes.indexOf(Buffer.from([0xff, 0xc0]));
  bytes.writeUInt16BE(height, frame + 5);
  bytes.writeUInt16BE(width, frame + 7);
  return bytes;
}

describe("the limits of an image", () => {
  const names = ["rgb.jpg", "rgb.png", "lossy.webp", "rgb.tif", "rgb.bmp", "rgb.ppm", "grey.pgm", "cmyk.tif"];

  test.each(names)("hold for %s", async (name) => {
    const bytes = read(name);
    (await decodeBytes(bytes, name, { maxPixels: 21 * 13 }))[Symbol.dispose]();
    await expect(decodeBytes(bytes, name, { maxPixels: 21 * 13 - 1 })).rejects.toThrow(
      `${name}: expected at most 272 pixels, received 21 x 13`,
    );
  });

  test.each([...names, "a JPEG with bytes after its end"])(
    "give %s room once, before it is decoded",
    async (name) => {
      const bytes = names.includes(name) ? read(name) : Buffer.concat([read("rgb.jpg"), Buffer.alloc(9)]);
      const asked: number[] = [];
      const room = async (size: number) => void asked.push(size);
      (await decodeBytes(bytes, name, { maxPixels: 1000, room }))[Symbol.dispose]();
      expect(asked).toEqual([3 * 21 * 13]);
      const full = () => Promise.reject(new Error("no room"));
      await expect(decodeBytes(bytes, name, { maxPixels: 1000, room: full })).rejects.toThrow("no room");
    },
  );
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
