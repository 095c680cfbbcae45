/** Sheets of what a network makes of images: each picture stands at its place, with its own pixels. */
import type { Sharp } from "sharp";
import { expect, test } from "vitest";
import { writeColour } from "../../ts/picture/colour-map.js";
import { featuresSheet } from "../../ts/picture/features-sheet.js";
import { neighboursSheet } from "../../ts/picture/neighbours-sheet.js";
import { fitChannels } from "../../ts/picture/patch-colours.js";
import { reduced } from "../../ts/picture/reduced.js";

const HEADING = { title: "A title", facts: ["a fact"] };

/** One colour all over. */
function plain(colour: readonly number[], side = 16) {
  const pixels = Uint8Array.from({ length: 3 * side * side }, (_, at) => colour[at % 3] as number);
  return { pixels, width: side, height: side };
}

/** How many pixels have about this colour. */
async function area(sheet: Sharp, colour: readonly number[]): Promise<number> {
  const pixels = await sheet.clone().raw().toBuffer();
  let count = 0;
  for (let at = 0; at < pixels.length; at += 3) {
    if (colour.every((value, channel) => Math.abs(value - (pixels[at + channel] as number)) <= 2)) count += 1;
  }
  return count;
}

const RED = [200, 10, 20];
const BLUE = [20, 10, 200];

function column(name: string, colour: readonly number[], hot: number) {
  const values = Float32Array.from({ length: 4 }, (_, at) => (at === hot ? 1 : 0));
  const heads = [{ rows: 2, columns: 2, values }];
  const vectors = { width: 3, values: Float32Array.from({ length: 12 }, (_, at) => (at * 7 + hot) % 5) };
  const queries = ["cls", "cls+"].map((query) => ({ query, heads }));
  return { name, image: plain(colour), queries, patches: { vectors, rows: 2, columns: 2 } };
}

test("a column an image: itself, the attention of both class tokens, its patches", async () => {
  const columns = [column("red.jpg", RED, 0), column("blue.jpg", BLUE, 3)];
  const all = { width: 3, values: Float32Array.of(0, 1, 2, 3, 4, 0, 2, 2, 1) };
  const sheet = await featuresSheet(columns, await fitChannels(all), HEADING);
  expect(await area(sheet, RED)).toBe(160 ** 2);
  expect(await area(sheet, BLUE)).toBe(160 ** 2);
  // The lightest colour of the map: one patch of four, of two tokens, in two columns.
  const lightest = new Uint8Array(3);
  writeColour(lightest, 0, 1);
  expect(await area(sheet, [...lightest])).toBe(4 * 80 ** 2);
});

test("a row an image: itself, then its neighbours", async () => {
  const picture = (colour: readonly number[]) => ({ image: plain(colour), name: "a", class: "b" });
  const row = {
    asked: picture(RED),
    found: [0.9, 0.8, 0.7].map((similarity) => ({ ...picture(BLUE), similarity })),
  };
  const sheet = await neighboursSheet([row, row], HEADING);
  expect(await area(sheet, RED)).toBe(2 * 120 ** 2);
  expect(await area(sheet, BLUE)).toBe(2 * 3 * 120 ** 2);
});

test("a sheet is made smaller as a whole, never larger", async () => {
  const sheet = await neighboursSheet(
    [{ asked: { image: plain(RED), name: "a", class: null }, found: [] }],
    HEADING,
  );
  const { info: own } = await sheet.clone().raw().toBuffer({ resolveWithObject: true });
  const half = Math.round(own.width / 2);
  const { info } = await (await reduced(sheet, half)).raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([half, Math.round((own.height * half) / own.width)]);
  const same = await (await reduced(sheet, 10_000)).raw().toBuffer({ resolveWithObject: true });
  expect(same.info.width).toBe(own.width);
});
