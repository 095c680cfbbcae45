/** A mask of patches on the image: half red inside, a red line around. */
import { enlarged, type PatchMap, type PictureSize } from "./patch-map.js";

const RED = [255, 0, 0];
const OPACITY = 0.5;

/** `image` is `[height, width, 3]`, and so is what is returned. */
export function maskOverlay(image: Uint8Array, size: PictureSize, mask: PatchMap): Uint8Array {
  const inside = enlarged(mask, size, "nearest");
  const line = Math.max(1, Math.round(Math.min(size.height, size.width) / 160));
  return image.map((value, at) => {
    const pixel = Math.floor(at / 3);
    if (inside[pixel] !== 1) return value;
    const opacity = isEdge(inside, size, pixel, line) ? 1 : OPACITY;
    return Math.round(value * (1 - opacity) + (RED[at % 3] as number) * opacity);
  });
}

/** Whether the mask, or the image, ends within `line` pixels above, below, left or right. */
function isEdge(inside: Float32Array, { height, width }: PictureSize, pixel: number, line: number): boolean {
  const [y, x] = [Math.floor(pixel / width), pixel % width];
  if (y < line || x < line || y >= height - line || x >= width - line) return true;
  return [-line * width, line * width, -line, line].some((step) => inside[pixel + step] !== 1);
}
