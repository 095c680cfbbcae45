/** The colours of a sheet. */
export const PAPER = { r: 250, g: 250, b: 249 };
export const INK = "#1c1917";
export const FAINT_INK = "#78716c";
export const RULE = "#d6d3d1";

/** Of the crops: they differ in hue and in lightness, also to eyes that see red and green alike. */
export const STUDENT = "#1d4ed8";
export const TEACHER = "#ea580c";
export const LOCAL = "#15803d";

/** Turns of the colour circle by the golden ratio: neighbours in number are far apart in hue. */
const TURN = 360 * (1 - 2 / (1 + Math.sqrt(5)));

/** Colour of a sample, by its number from 0 on. */
export function sampleColour(number: number): string {
  const hue = (20 + number * TURN) % 360;
  return hex(hue, 0.85, number % 2 === 0 ? 0.5 : 0.42);
}

/** librsvg reads no hsl() in every version; formula of the CSS colour module. */
function hex(hue: number, saturation: number, lightness: number): string {
  const amplitude = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number) => {
    const place = (offset + hue / 30) % 12;
    const value = lightness - amplitude * Math.max(-1, Math.min(place - 3, 9 - place, 1));
    return Math.round(255 * value)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}
