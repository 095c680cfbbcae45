/** The few shapes that marks are made of, as SVG. */
import type { CropName } from "./crop-names.js";
import { lettering, textWidth } from "./lettering.js";

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** An outline that is seen on any picture: coloured, with a light rim. Dashed: mirrored. */
export function outline(box: Box, style: { colour: string; width: number; dashed: boolean }): string {
  const { colour, width, dashed } = style;
  const rect = `<rect x="${box.left}" y="${box.top}" width="${box.width}" height="${box.height}" fill="none"`;
  const dashes = dashed ? ` stroke-dasharray="${5 * width} ${3 * width}"` : "";
  return (
    `${rect} stroke="#fff" stroke-opacity="0.75" stroke-width="${width + 2.5}"/>` +
    `${rect} stroke="${colour}" stroke-width="${width}"${dashes}/>`
  );
}

export const TAB_HEIGHT = 20;

export function tabWidth({ text }: CropName): number {
  return Math.ceil(textWidth(text, 13, "bold")) + 12;
}

/** The name of a crop on its colour; upper left corner at (x, y). */
export function tab(name: CropName, x: number, y: number): string {
  const width = tabWidth(name);
  const letters = { text: name.text, x: x + width / 2, y: y + 14.5, size: 13, colour: "#fff" };
  return (
    `<rect x="${x}" y="${y}" width="${width}" height="${TAB_HEIGHT}" rx="4" fill="${name.colour}"/>` +
    lettering({ ...letters, weight: "bold", anchor: "middle" })
  );
}

/** Two triangles on both sides of a line: mirrored left to right. 18 wide, 14 high. */
export function mirrorSign(x: number, y: number, colour: string): string {
  return (
    `<g transform="translate(${x} ${y})"><path d="M9 0V14" stroke="${colour}" stroke-width="1.2" stroke-dasharray="2 1.5"/>` +
    `<path d="M0 2V12L7 7Z" fill="none" stroke="${colour}" stroke-width="1.2" stroke-linejoin="round"/>` +
    `<path d="M18 2V12L11 7Z" fill="${colour}"/></g>`
  );
}
