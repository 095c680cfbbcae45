/** Text of a sheet, as SVG. */

export interface Caption {
  readonly text: string;
  readonly x: number;
  /** The line that the letters stand on. */
  readonly y: number;
  readonly size: number;
  readonly colour: string;
  readonly weight?: "regular" | "bold";
}

export function caption({ text, x, y, size, colour, weight = "regular" }: Caption): string {
  const style = `font-family="Inter, DejaVu Sans, sans-serif" font-size="${size}" font-weight="${weight === "bold" ? 600 : 400}"`;
  return `<text x="${x}" y="${y}" fill="${colour}" ${style}>${escaped(text)}</text>`;
}

/** Control characters, which a file's name may hold, are no XML. */
function escaped(text: string): string {
  const entities: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" };
  return text.replace(/\p{C}/gu, "?").replace(/[&<>]/g, (character) => entities[character] as string);
}
