/** Which names are those of images, and how names are ordered. */

/** As spec/evaluation.md section 0.7. */
export const IMAGE_ENDINGS = "jpg jpeg png ppm bmp pgm tif tiff webp";

const IMAGE_NAME = new RegExp(`\\.(${IMAGE_ENDINGS.replaceAll(" ", "|")})$`, "i");

export function isImageName(name: string): boolean {
  return IMAGE_NAME.test(name);
}

/** Names left behind by file managers and archives. */
export function isHiddenName(name: string): boolean {
  return name.startsWith(".") || name === "__MACOSX";
}

/** By code units: the same order on every machine. */
export function compareNames(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
