import sharp from "sharp";
import { expect, test } from "vitest";
import { ArgumentError } from "../../ts/errors.js";
import { contactSheet } from "../../ts/picture/contact-sheet.js";
import { imageSection, type PicturedImage } from "../../ts/picture/image-section.js";
import { PAPER } from "../../ts/picture/palette.js";
import type { Tile } from "../../ts/picture/panel.js";
import { randomStream } from "../../ts/random.js";
import { detailedRecipe, type MultiCropOptions } from "../../ts/recipe/multi-crop.js";
import { colourMap, OPTIONS } from "./synthetic.js";

const MARGIN = 48;

/** Views of noise: only their own pixels look like them. */
function pictured(seed: number, change: Partial<MultiCropOptions> = {}): PicturedImage {
  const options = { ...OPTIONS, ...change };
  const random = randomStream(seed, "noise");
  const noise = (side: number) => Uint8Array.from({ length: 3 * side * side }, () => random.integer(0, 256));
  const image = colourMap(90, 60);
  return {
    title: "a \u96e8 photograph.jpg",
    remark: "90 x 60 pixels",
    image,
    detail: detailedRecipe(image, options, randomStream(seed, "recipe")),
    globals: [noise(options.globalSize), noise(options.globalSize)],
    locals: Array.from({ length: options.localCrops }, () => noise(options.localSize)),
  };
}

/** The pixel of a view that a tile shows at a place of its own. */
function expectShown(tile: Tile, planes: Uint8Array, side: number): void {
  const scale = tile.width / side;
  for (const [row, column] of [
    [0, 0],
    [tile.height - 1, tile.width - 1],
    [17, 31],
  ] as const) {
    const from = Math.floor(row / scale) * side + Math.floor(column / scale);
    const shown = [...tile.pixels.subarray(3 * (row * tile.width + column)).subarray(0, 3)];
    expect(shown).toEqual([0, 1, 2].map((channel) => planes[channel * side * side + from]));
  }
}

test("every view is there as it is, each pixel as a square", async () => {
  const image = pictured(1);
  const { tiles } = await imageSection(image);
  const views = tiles.slice(1, 6); // after the original: g1, g2, three local ones
  const planes = [...image.globals, ...image.locals];
  views.forEach((tile, at) => {
    const side = at < 2 ? OPTIONS.globalSize : OPTIONS.localSize;
    expect(tile.width % side).toBe(0);
    expectShown(tile, planes[at] as Uint8Array, side);
  });
});

test("the written picture holds the pixels of the views where the panel has them, on paper", async () => {
  const image = pictured(2);
  const panel = await imageSection(image);
  const sheet = await (await contactSheet([image])).png().toBuffer();
  const { data, info } = await sharp(sheet).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({
    channels: 3,
    width: Math.ceil(panel.width) + 2 * MARGIN,
    height: Math.ceil(panel.height) + 2 * MARGIN,
  });
  const pixel = (x: number, y: number) => [...data.subarray(3 * (y * info.width + x)).subarray(0, 3)];
  expect(pixel(2, 2)).toEqual([PAPER.r, PAPER.g, PAPER.b]);
  for (const { left, top, width, pixels } of panel.tiles.slice(1, 6)) {
    const [row, column] = [9, 23];
    const expected = [...pixels.subarray(3 * (row * width + column)).subarray(0, 3)];
    expect(pixel(MARGIN + Math.round(left) + column, MARGIN + Math.round(top) + row)).toEqual(expected);
  }
});

test("several images stand below each other", async () => {
  const height = async (images: PicturedImage[]) =>
    (await sharp(await (await contactSheet(images)).png().toBuffer()).metadata()).height;
  const [one, other] = [pictured(1), pictured(2, { localCrops: 0 })];
  expect(await height([one, other])).toBe((await height([one])) + (await height([other])));
});

test.each([
  { includePatch: false },
  { localCrops: 0 },
  { localCrops: 23 },
  { globalWindow: 1, localWindow: 1 },
  { globalSize: 8, localSize: 8, globalWindow: 1, localWindow: 1 },
])("no panel leaves the sheet with %j", async (change) => {
  const panel = await imageSection(pictured(3, change));
  for (const { left, top, width, height } of panel.tiles) {
    expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
    expect(left + width).toBeLessThanOrEqual(panel.width);
    expect(top + height).toBeLessThanOrEqual(panel.height);
  }
  await (await contactSheet([pictured(3, change)])).png().toBuffer();
});

test("letters are outlines: no fonts of the machine are asked for", async () => {
  const { marks } = await imageSection(pictured(1));
  expect(marks).not.toMatch(/<text|font/);
});

test("a sheet of nothing is refused", async () => {
  await expect(contactSheet([])).rejects.toThrow(ArgumentError);
});
