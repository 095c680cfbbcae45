/** A scene as SVG. */
import type { Shape, Texture } from "./classes.js";
import type { Colour, Scene } from "./scene.js";

/** Side of the image in pixels. */
export const QUICKSTART_SIDE = 96;

export function drawing(scene: Scene): string {
  const side = QUICKSTART_SIDE;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}" viewBox="0 0 1 1">`,
    `<defs>${texture(scene)}${gradient(scene)}${noise(scene)}</defs>`,
    '<rect width="1" height="1" fill="url(#background)"/>',
    `<rect width="1" height="1" filter="url(#clouds)" opacity="${scene.noiseStrength}"/>`,
    ...scene.distractors.map(({ x, y, radius, colour }) => circle(x, y, radius, css(colour))),
    `<g transform="translate(${scene.x} ${scene.y}) rotate(${scene.rotation}) scale(${scene.radius} ${scene.radius * scene.squeeze})">`,
    `<path d="${OUTLINES[scene.shape]}" fill="url(#texture)" fill-rule="evenodd"/></g>`,
    `<rect width="1" height="1" filter="url(#grain)" opacity="${scene.grainStrength}"/>`,
    "</svg>",
  ].join("");
}

/** Outlines in a circle of radius 1 around the origin. */
const OUTLINES: Record<Shape, string> = {
  circle: `${disc(0.88)}`,
  square: "M-0.8 -0.8H0.8V0.8H-0.8Z",
  triangle: polygon([1], 3),
  star: polygon([1, 0.42], 10),
  ring: `${disc(1)}${disc(0.5)}`,
  cross: "M-0.32 -1H0.32V-0.32H1V0.32H0.32V1H-0.32V0.32H-1V-0.32H-0.32Z",
};

function disc(radius: number): string {
  return `M${-radius} 0A${radius} ${radius} 0 1 1 ${radius} 0A${radius} ${radius} 0 1 1 ${-radius} 0Z`;
}

/** Corners at equal angles whose distances from the centre take turns. */
function polygon(radii: readonly number[], corners: number): string {
  const points = Array.from({ length: corners }, (_, corner) => {
    const radius = radii[corner % radii.length] ?? 1;
    const angle = (2 * Math.PI * corner) / corners;
    return `${(radius * Math.sin(angle)).toFixed(4)} ${(-radius * Math.cos(angle)).toFixed(4)}`;
  });
  return `M${points.join("L")}Z`;
}

/** The tile is drawn in a square of side 1; its size and direction are those of the image, not of the shape. */
function texture(scene: Scene): string {
  const { figure, radius, squeeze, texturePeriod } = scene;
  const [scaleX, scaleY] = [texturePeriod / radius, texturePeriod / (radius * squeeze)];
  const place = `rotate(${scene.textureRotation}) scale(${scaleX} ${scaleY})`;
  const tile = `<rect width="1" height="1" fill="${css(figure[0])}"/>${TILES[scene.texture](css(figure[1]))}`;
  return `<pattern id="texture" width="1" height="1" patternUnits="userSpaceOnUse" patternTransform="${place}">${tile}</pattern>`;
}

const TILES: Record<Texture, (colour: string) => string> = {
  stripes: (colour) => `<rect width="1" height="0.5" fill="${colour}"/>`,
  dots: (colour) => circle(0.5, 0.5, 0.33, colour),
  checks: (colour) => `<path d="M0 0H0.5V1H1V0.5H0Z" fill="${colour}"/>`,
  waves: (colour) =>
    `<path d="M-0.1 0.5C0.2 0.5 0.3 0.1 0.5 0.1S0.8 0.5 1.1 0.5V0.95C0.8 0.95 0.7 0.55 0.5 0.55S0.2 0.95 -0.1 0.95Z" fill="${colour}"/>`,
  halves: (colour) => `<rect width="1" height="0.5" fill="${colour}"/>`,
  grid: (colour) => `<path d="M0 0H1V0.25H0.25V1H0Z" fill="${colour}"/>`,
};

function circle(x: number, y: number, radius: number, colour: string): string {
  return `<circle cx="${x}" cy="${y}" r="${radius}" fill="${colour}"/>`;
}

function gradient({ background: [from, to], backgroundRotation }: Scene): string {
  const stops = `<stop stop-color="${css(from)}"/><stop offset="1" stop-color="${css(to)}"/>`;
  return `<linearGradient id="background" gradientTransform="rotate(${backgroundRotation} 0.5 0.5)">${stops}</linearGradient>`;
}

/** Grey clouds behind the figure and grey grain over it. Frequencies are per unit, which is the image's side. */
function noise({ noiseSeed, noiseFrequency }: Scene): string {
  const clouds = turbulence("clouds", noiseFrequency * QUICKSTART_SIDE, 3, noiseSeed);
  return clouds + turbulence("grain", 0.5 * QUICKSTART_SIDE, 1, noiseSeed + 1);
}

/** The red channel of the noise, stretched, as grey. */
function turbulence(id: string, frequency: number, octaves: number, seed: number): string {
  const grey = "2.4 0 0 0 -0.7 ".repeat(3);
  return [
    `<filter id="${id}" x="0" y="0" width="1" height="1" color-interpolation-filters="sRGB">`,
    `<feTurbulence type="fractalNoise" baseFrequency="${frequency}" numOctaves="${octaves}" seed="${seed}"/>`,
    `<feColorMatrix values="${grey}0 0 0 0 1"/></filter>`,
  ].join("");
}

function css({ hue, saturation, lightness }: Colour): string {
  return `hsl(${hue.toFixed(1)},${saturation.toFixed(1)}%,${lightness.toFixed(1)}%)`;
}
