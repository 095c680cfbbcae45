/** Pixels of views and images as tiles of a sheet. */
import sharp from "sharp";
import type { Tile } from "./panel.js";

/** A square view `[3, side, side]`, each of its pixels a square of `scale` pixels: nothing is smoothed. */
export function viewTile(planes: Uint8Array, side: number, scale: number): Tile {
  const size = side * scale;
  const pixels = new Uint8Array(3 * size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const from = Math.floor(row / scale) * side + Math.floor(column / scale);
      const to = 3 * (row * size + column);
      for (let channel = 0; channel < 3; channel++) {
        pixels[to + channel] = planes[channel * side * side + from] ?? 0;
      }
    }
  }
  return { left: 0, top: 0, width: size, height: size, pixels };
}

export interface RgbImage {
  /** `[height, width, 3]` */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** A square view `[3, side, side]` as an image. */
export function viewImage(planes: Uint8Array, side: number): RgbImage {
  const count = side * side;
  const pixels = new Uint8Array(3 * count);
  for (let channel = 0; channel < 3; channel++) {
    const plane = planes.subarray(channel * count, (channel + 1) * count);
    for (let at = 0; at < plane.length; at++) pixels[3 * at + channel] = plane[at] as number;
  }
  return { pixels, width: side, height: side };
}

/** An image made to fit into a room, larger or smaller; its aspect ratio stays to within a pixel. */
export async function fittedTile(image: RgbImage, room: { width: number; height: number }): Promise<Tile> {
  const scale = Math.min(room.width / image.width, room.height / image.height);
  const width = Math.max(1, Math.round(image.width * scale));
  const height = Math.max(1, Math.round(image.height * scale));
  const raw = { width: image.width, height: image.height, channels: 3 as const };
  const resized = sharp(image.pixels, { raw }).resize(width, height, {
    fit: "fill",
    kernel: scale > 2 ? "nearest" : "lanczos3",
  });
  return { left: 0, top: 0, width, height, pixels: await resized.raw().toBuffer() };
}
