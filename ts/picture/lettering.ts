/**
 * Letters as outlines. Text of an SVG needs fonts of the machine, and a server or a container often has none: there it
 * would be a row of empty boxes.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

/** What is used of opentype.js; its published types would bring the whole DOM into this program. */
interface Font {
  readonly unitsPerEm: number;
  charToGlyph(character: string): Glyph;
}

interface Glyph {
  /** 0: the font lacks the character. */
  readonly index: number;
  readonly advanceWidth: number;
  getPath(x: number, y: number, size: number): { toPathData(decimals: number): string };
}

const require = createRequire(import.meta.url);
const { parse } = require("opentype.js") as { parse(bytes: ArrayBuffer): Font };

export type Weight = "regular" | "bold";

const FILES: Readonly<Record<Weight, string>> = {
  regular: "inter-latin-400-normal.woff",
  bold: "inter-latin-600-normal.woff",
};

const fonts = new Map<Weight, Font>();

export interface Lettering {
  readonly text: string;
  readonly x: number;
  /** The line that the letters stand on. */
  readonly y: number;
  readonly size: number;
  readonly colour: string;
  readonly weight?: Weight;
  /** Where x lies: at the start (default), in the middle or at the end of the text. */
  readonly anchor?: "start" | "middle" | "end";
  /** Colour of a rim around the letters, where they lie on a picture. */
  readonly halo?: string;
}

/** An SVG path. Characters that the font lacks become "?". */
export function lettering(letters: Lettering): string {
  const { text, x, y, size, colour, weight = "regular", anchor = "start", halo } = letters;
  const share = { start: 0, middle: 0.5, end: 1 }[anchor];
  const data = outlines(text, x - share * textWidth(text, size, weight), y, size, weight);
  const rim =
    halo === undefined
      ? ""
      : `<path fill="none" stroke="${halo}" stroke-width="${size / 4}" stroke-linejoin="round" d="${data}"/>`;
  return `${rim}<path fill="${colour}" d="${data}"/>`;
}

export function textWidth(text: string, size: number, weight: Weight = "regular"): number {
  const units = glyphs(text, weight).reduce((sum, { advanceWidth }) => sum + advanceWidth, 0);
  return (units * size) / font(weight).unitsPerEm;
}

/** Glyph by glyph: opentype.js does not read all of this font's ligature tables, and no text here needs them. */
function outlines(text: string, x: number, y: number, size: number, weight: Weight): string {
  const scale = size / font(weight).unitsPerEm;
  let pen = x;
  return glyphs(text, weight)
    .map((glyph) => {
      const data = glyph.getPath(pen, y, size).toPathData(2);
      pen += glyph.advanceWidth * scale;
      return data;
    })
    .join("");
}

/** The text, cut with "..." in its middle where it is wider than there is room: both ends of a path tell most. */
export function fitted(text: string, size: number, room: number, weight: Weight = "regular"): string {
  if (textWidth(text, size, weight) <= room) return text;
  for (let kept = text.length - 1; kept > 0; kept--) {
    const end = Math.ceil(kept / 2);
    const shorter = `${text.slice(0, kept - end)}...${text.slice(text.length - end)}`;
    if (textWidth(shorter, size, weight) <= room) return shorter;
  }
  return "";
}

function glyphs(text: string, weight: Weight): Glyph[] {
  const chosen = font(weight);
  return Array.from(text, (character) => {
    const glyph = chosen.charToGlyph(character);
    return glyph.index > 0 ? glyph : chosen.charToGlyph("?");
  });
}

function font(weight: Weight): Font {
  const known = fonts.get(weight);
  if (known !== undefined) return known;
  const file = require.resolve(`@fontsource/inter/files/${FILES[weight]}`);
  const loaded = parse(Uint8Array.from(readFileSync(file)).buffer);
  fonts.set(weight, loaded);
  return loaded;
}
