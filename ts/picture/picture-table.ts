/** Pictures of one size in rows, each with a title, below a heading and a scale of colours. */
import sharp, { type OverlayOptions, type Sharp } from "sharp";
import type { Picture } from "./attended-image.js";
import { heatMap } from "./heat-map.js";
import { fitted, lettering } from "./lettering.js";
import { FAINT_INK, INK, PAPER } from "./palette.js";

/** In pixels. */
const MARGIN = 40;
const GAP = 10;
const ROW_GAP = 14;
const HEADING = 92;
/** Room for the title above a picture. */
const TITLE = 24;
const LEAST_WIDTH = 760;
/** Room for the longest title. */
const LEAST_COLUMN = 130;
const SCALE = { height: 10, width: 160 };

export interface TitledPicture extends Picture {
  readonly title: string;
}

export interface PictureTable {
  readonly title: string;
  /** A line under the title. */
  readonly facts: string;
  /** A column that stands apart from the rows; at least one picture, whose size all others have. */
  readonly left: readonly TitledPicture[];
  readonly rows: readonly (readonly TitledPicture[])[];
}

interface Placed {
  readonly picture: TitledPicture;
  /** Upper left corner of the title. */
  readonly x: number;
  readonly y: number;
}

export function pictureTable(table: PictureTable): Sharp {
  const placed = places(table);
  const width = Math.max(LEAST_WIDTH, ...placed.map(({ picture, x }) => x + picture.width + MARGIN));
  const height = Math.max(...placed.map(({ picture, y }) => y + TITLE + picture.height + MARGIN));
  const words = [...heading(table, width - 2 * MARGIN), ...placed.map(titleOf)].join("");
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${words}</svg>`;
  const pictures = placed.map(({ picture, x, y }) => raster(picture, x, y + TITLE));
  return sharp({ create: { width, height, channels: 3, background: PAPER } })
    .composite([
      ...pictures,
      raster(colourScale(), MARGIN, MARGIN + 58),
      { input: Buffer.from(svg), left: 0, top: 0 },
    ])
    .removeAlpha();
}

function places({ left, rows }: PictureTable): Placed[] {
  const { width: wide, height } = left[0] as TitledPicture;
  const width = Math.max(wide, LEAST_COLUMN);
  const place = (picture: TitledPicture, line: number, column: number): Placed => ({
    picture,
    x: MARGIN + column * (width + GAP) + (column > 0 ? 2 * GAP : 0),
    y: MARGIN + HEADING + line * (TITLE + height + ROW_GAP),
  });
  return [
    ...left.map((picture, line) => place(picture, line, 0)),
    ...rows.flatMap((row, line) => row.map((picture, at) => place(picture, line, at + 1))),
  ];
}

/** Lines longer than `room` pixels lose their middle. */
function heading(table: PictureTable, room: number): string[] {
  const title = fitted(table.title, 20, room, "bold");
  const facts = fitted(table.facts, 13, room);
  const x = MARGIN;
  const scale = "each map from its lowest value (dark) to its highest (light)";
  return [
    lettering({ text: title, x, y: MARGIN + 18, size: 20, colour: INK, weight: "bold" }),
    lettering({ text: facts, x, y: MARGIN + 42, size: 13, colour: FAINT_INK }),
    lettering({ text: scale, x: x + SCALE.width + 10, y: MARGIN + 68, size: 13, colour: FAINT_INK }),
  ];
}

function titleOf({ picture, x, y }: Placed): string {
  return lettering({ text: picture.title, x, y: y + TITLE - 8, size: 13, colour: INK });
}

function colourScale(): Picture {
  const values = Float32Array.from({ length: SCALE.width }, (_, at) => at);
  return { ...SCALE, pixels: heatMap({ rows: 1, columns: SCALE.width, values }, SCALE, "nearest") };
}

function raster({ width, height, pixels }: Picture, left: number, top: number): OverlayOptions {
  const input = Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength);
  return { input, raw: { width, height, channels: 3 }, left, top };
}
