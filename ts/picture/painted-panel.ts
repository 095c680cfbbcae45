/** A panel on paper. */
import sharp, { type Sharp } from "sharp";
import { PAPER } from "./palette.js";
import type { Panel } from "./panel.js";

/** In pixels, with the margins. */
export function paperSize(panel: Panel, margin: number): { readonly width: number; readonly height: number } {
  return { width: Math.ceil(panel.width) + 2 * margin, height: Math.ceil(panel.height) + 2 * margin };
}

/** With margins all around; `rule` is SVG in the pixels of the paper. Encodes nothing yet. */
export function paintedPanel(panel: Panel, margin: number, rule = ""): Sharp {
  const { width, height } = paperSize(panel, margin);
  const tiles = panel.tiles.map(({ left, top, pixels, ...size }) => ({
    input: Buffer.from(pixels.buffer, pixels.byteOffset, pixels.byteLength),
    raw: { ...size, channels: 3 as const },
    left: Math.round(left) + margin,
    top: Math.round(top) + margin,
  }));
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">` +
    `<g transform="translate(${margin} ${margin})">${panel.marks}</g>${rule}</svg>`;
  const marks = { input: Buffer.from(svg), left: 0, top: 0, unlimited: true };
  return sharp({ create: { width, height, channels: 3, background: PAPER } })
    .composite([...tiles, marks])
    .removeAlpha();
}
