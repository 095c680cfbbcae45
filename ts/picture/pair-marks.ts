/** The marks of a pair of crops: windows, sampled patches, and where the other crop shows them. */
import { lettering } from "./lettering.js";
import { FAINT_INK, INK, sampleColour } from "./palette.js";
import type { GridPlace, PairedSample, SampledCrop } from "./sampled-pairs.js";

/** Side of a patch below which a number in it could not be read. */
const READABLE = 14;

/** A veil that lets marks stand out, with the windows from each of which one patch is drawn. */
export function windows({ grid, sample }: SampledCrop, patch: number): string {
  const size = grid.side * patch;
  const count = Math.floor(grid.side / grid.window);
  const length = count * grid.window * patch;
  const [left, top] = [sample.left * patch, sample.top * patch];
  const lines = Array.from({ length: count + 1 }, (_, line) => {
    const at = line * grid.window * patch;
    return `M${left + at} ${top}v${length}M${left} ${top + at}h${length}`;
  }).join("");
  return (
    `${veil(size)}<path d="${lines}" fill="none" stroke="${INK}" stroke-opacity="0.35" stroke-width="2.5"/>` +
    `<path d="${lines}" fill="none" stroke="#fff" stroke-width="1"/>`
  );
}

export function veil(size: number): string {
  return `<rect width="${size}" height="${size}" fill="#fff" fill-opacity="0.28"/>`;
}

/** The patch that is sampled; hollow where the other crop does not show it. */
export function sampledPatch({ number, at, match }: PairedSample, patch: number): string {
  const rect = `<rect x="${at.column * patch + 1}" y="${at.row * patch + 1}" width="${patch - 2}" height="${patch - 2}" rx="${patch / 10}"`;
  if (match === null) {
    return (
      `${rect} fill="none" stroke="#fff" stroke-opacity="0.8" stroke-width="3.5"/>` +
      `${rect} fill="none" stroke="${FAINT_INK}" stroke-width="1.5"/>`
    );
  }
  const colour = sampleColour(number);
  return (
    `${rect} fill="${colour}" fill-opacity="0.45" stroke="${colour}" stroke-width="2"/>` +
    label(number, centre(at, patch), patch)
  );
}

/** Where the crop shows it: the middle of the four patches that are mixed there. */
export function matchingPoint({ number, match }: PairedSample, patch: number): string {
  if (match === null) return "";
  const colour = sampleColour(number);
  const { x, y } = centre(match, patch);
  return (
    `<circle cx="${x}" cy="${y}" r="${0.42 * patch}" fill="${colour}" fill-opacity="0.45" stroke="#fff" stroke-width="3.5"/>` +
    `<circle cx="${x}" cy="${y}" r="${0.42 * patch}" fill="${colour}" fill-opacity="0.45" stroke="${colour}" stroke-width="2"/>` +
    label(number, { x, y }, patch)
  );
}

/** The middle of a place on the grid, in pixels. */
export function centre({ row, column }: GridPlace, patch: number): { x: number; y: number } {
  return { x: (column + 0.5) * patch, y: (row + 0.5) * patch };
}

function label(number: number, { x, y }: { x: number; y: number }, patch: number): string {
  if (patch < READABLE) return "";
  const size = Math.max(9, Math.min(14, patch * 0.42));
  const letters = { text: String(number + 1), x, y: y + 0.36 * size, size, colour: INK };
  return lettering({ ...letters, weight: "bold", anchor: "middle", halo: "#fff" });
}
