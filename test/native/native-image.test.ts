import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ArgumentError } from "../../ts/errors.js";
import { nativeImage, renderEvaluationViews } from "../../ts/native/engine.js";
import { decodeJpeg } from "../../ts/native/native-image.js";
import { noise } from "./small-engine.js";

const DISPOSED = "image: expected pixels in memory, received an image that was disposed of";

const jpeg = readFileSync(join(import.meta.dirname, "../views/fixtures/rgb.jpg"));

test("an image holds a copy of the pixels that it was made of, and gives copies", () => {
  const pixels = noise(5 * 4 * 3, 1);
  const before = pixels.slice();
  using image = nativeImage(pixels, 5, 4);
  pixels.fill(0);
  expect([image.width, image.height, image.bytes]).toEqual([5, 4, 60]);
  image.pixels.fill(9);
  expect(image.pixels).toEqual(before);
});

test("images that nobody disposes of are collected, since V8 knows of their memory", async () => {
  const pixels = new Uint8Array(3 * 512 * 512);
  const before = process.memoryUsage().rss;
  for (let made = 0; made < 800e6; made += pixels.length) {
    nativeImage(pixels, 512, 512);
    // Memory is freed between turns of the event loop.
    await new Promise(setImmediate);
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(400e6);
});

describe("an image that was disposed of", () => {
  test("is refused by name", async () => {
    const image = nativeImage(noise(12, 1), 2, 2);
    image[Symbol.dispose]();
    image[Symbol.dispose]();
    expect(() => image.pixels).toThrow(new ArgumentError(DISPOSED));
    await expect(renderEvaluationViews([image], { resizeTo: 2, crop: 2 })).rejects.toThrow(DISPOSED);
  });

  test("is kept by the rendering that is under way", async () => {
    const image = nativeImage(noise(12, 1), 2, 2);
    const { pixels } = image;
    const rendering = renderEvaluationViews([image], { resizeTo: 2, crop: 2 });
    image[Symbol.dispose]();
    const channels = [0, 1, 2].flatMap((channel) => [0, 3, 6, 9].map((at) => pixels[at + channel]));
    expect([...(await rendering)]).toEqual(channels);
  });
});

test.each([
  [
    new Uint8Array(11),
    2,
    2,
    "image.pixels: expected 12 values of shape [2, 2, 3], received Uint8Array of length 11",
  ],
  [new Uint8Array(0), 0, 2, "image.width: expected a whole number from 1 to 16777216, received 0"],
  [[1, 2, 3], 1, 1, "image.pixels: expected a Uint8Array, received an array of length 3"],
])("pixels that are no image are refused by name: %#", (pixels, width, height, message) => {
  expect(() => nativeImage(pixels as Uint8Array, width, height)).toThrow(new ArgumentError(message));
});

describe("a JPEG file", () => {
  test("is decoded outside of JavaScript's memory, which may be used for something else at once", async () => {
    using expected = await decodeJpeg(jpeg, 1000);
    const file = new Uint8Array(jpeg);
    const decoding = decodeJpeg(file, 1000);
    file.fill(0);
    structuredClone(file, { transfer: [file.buffer] });
    using image = await decoding;
    expect(image?.pixels).toEqual(expected?.pixels);
    expect(image?.decodeSeconds).toBeGreaterThan(0);
  });

  test.each([
    ["that is none", new Uint8Array(50)],
    ["that is empty", new Uint8Array(0)],
    ["that is cut off", jpeg.subarray(0, 400)],
    ["that lacks its end", jpeg.subarray(0, -2)],
  ])("%s is left to another decoder", async (_, file) => {
    expect(await decodeJpeg(file, 1000)).toBeNull();
  });

  test("with more pixels than allowed is left alone", async () => {
    expect(await decodeJpeg(jpeg, 21 * 13 - 1)).toBeNull();
  });
});
