/** Printing inks to RGB as PIL does it: no colour profile, each channel `(255 - ink) * (255 - black) / 255`. */
import { inSlices } from "../native/in-slices.js";

/** Pixels made in one turn of the event loop: some milliseconds. */
const SLICE = 1 << 18;

/** `[pixels, 4]` to `[pixels, 3]`. */
export async function rgbFromCmyk(inks: Uint8Array): Promise<Uint8Array> {
  const count = inks.length / 4;
  const rgb = new Uint8Array(3 * count);
  await inSlices(count, SLICE, (from, to) => {
    for (let pixel = from; pixel < to; pixel++) {
      const paper = 255 - (inks[4 * pixel + 3] as number);
      for (let channel = 0; channel < 3; channel++) {
        rgb[3 * pixel + channel] = paper - product(inks[4 * pixel + channel] as number, paper);
      }
    }
  });
  return rgb;
}

/** `a * b / 255`, rounded, in whole numbers: PIL's MULDIV255. */
function product(a: number, b: number): number {
  const sum = a * b + 128;
  return ((sum >> 8) + sum) >> 8;
}
