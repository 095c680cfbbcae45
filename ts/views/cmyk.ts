/** Printing inks to RGB as PIL does it: no colour profile, each channel `(255 - ink) * (255 - black) / 255`. */

/** `[pixels, 4]` to `[pixels, 3]`. */
export function rgbFromCmyk(inks: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((inks.length / 4) * 3);
  for (let ink = 0, at = 0; ink < inks.length; ink += 4) {
    const paper = 255 - (inks[ink + 3] as number);
    for (let channel = 0; channel < 3; channel++) {
      rgb[at++] = paper - product(inks[ink + channel] as number, paper);
    }
  }
  return rgb;
}

/** `a * b / 255`, rounded, in whole numbers: PIL's MULDIV255. */
function product(a: number, b: number): number {
  const sum = a * b + 128;
  return ((sum >> 8) + sum) >> 8;
}
