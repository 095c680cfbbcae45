/**
 * The colours of heat maps: dark violet over teal to light yellow, in the manner of viridis. Computed in OKLCH (OKLab in
 * polar form): lightness rises evenly, so that equal steps look equal, also in grey and to eyes that see red and green
 * alike.
 */
const LAST = 255;

/** RGB, three bytes for each of 256 steps. */
const COLOURS: Uint8Array = Uint8Array.from(
  Array.from({ length: LAST + 1 }, (_, step) => computed(step / LAST)).flat(),
);

/** Writes the colour of a value in [0, 1] as three bytes; values outside are drawn to the nearest end. */
export function writeColour(pixels: Uint8Array, at: number, value: number): void {
  const step = Math.round(LAST * Math.min(1, Math.max(0, value)));
  pixels[at] = COLOURS[3 * step] as number;
  pixels[at + 1] = COLOURS[3 * step + 1] as number;
  pixels[at + 2] = COLOURS[3 * step + 2] as number;
}

function computed(value: number): number[] {
  const lightness = 0.28 + 0.64 * value;
  const chroma = parabola(value, 0.13, 0.105, 0.18);
  const hue = (Math.PI / 180) * parabola(value, 313, 195, 105);
  return rgb(lightness, chroma * Math.cos(hue), chroma * Math.sin(hue));
}

/** The parabola with these values at 0, 1/2 and 1. */
function parabola(at: number, first: number, middle: number, last: number): number {
  const bend = 2 * (first - 2 * middle + last);
  return first + (last - first - bend) * at + bend * at * at;
}

/** OKLab to sRGB bytes; what lies outside of sRGB is cut. */
function rgb(lightness: number, a: number, b: number): number[] {
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * medium + 1.707614701 * short,
  ].map(encoded);
}

function encoded(linear: number): number {
  const inside = Math.min(1, Math.max(0, linear));
  const value = inside <= 0.0031308 ? 12.92 * inside : 1.055 * inside ** (1 / 2.4) - 0.055;
  return Math.round(255 * value);
}
