/** Everything that varies between the images of one class, decided at random: pose, size, colours, light, noise. */
import type { RandomStream } from "../../random.js";
import type { Palette, QuickstartClass, Shape, Texture } from "./classes.js";

/** Hue in degrees, saturation and lightness in percent. */
export interface Colour {
  readonly hue: number;
  readonly saturation: number;
  readonly lightness: number;
}

/** All that an image shows; nothing random is left in it. Lengths are shares of the image's side. */
export interface Scene {
  readonly shape: Shape;
  readonly texture: Texture;
  /** The two colours of the texture. */
  readonly figure: readonly [Colour, Colour];
  /** Centre of the shape. */
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** Degrees. */
  readonly rotation: number;
  /** Height of the shape divided by its width. */
  readonly squeeze: number;
  readonly texturePeriod: number;
  readonly textureRotation: number;
  /** A gradient from one to the other. */
  readonly background: readonly [Colour, Colour];
  readonly backgroundRotation: number;
  readonly noiseSeed: number;
  readonly noiseFrequency: number;
  readonly noiseStrength: number;
  readonly grainStrength: number;
  readonly distractors: readonly Distractor[];
}

/** A spot of the background's kind, so that not every outline is the figure's. */
export interface Distractor {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly colour: Colour;
}

/** Hues of the two colours of each palette. Each hue occurs in two palettes or has a near neighbour in another. */
const HUES: Record<Palette, readonly [number, number]> = {
  warm: [0, 50],
  cool: [225, 180],
  leaf: [140, 85],
  melon: [130, 335],
  dusk: [275, 40],
  flag: [350, 220],
};

/** Makes the stripes so broad that only the edge of one is seen, in the middle of the figure. */
const HALVES = 15;

export function drawScene({ shape, texture, palette }: QuickstartClass, random: RandomStream): Scene {
  const { uniform } = random;
  const lightness = random.chance(0.5)
    ? [uniform(22, 42), uniform(52, 75)]
    : [uniform(52, 75), uniform(22, 42)];
  return {
    shape,
    texture,
    figure: [
      figureColour(HUES[palette][0], lightness[0] as number, random),
      figureColour(HUES[palette][1], lightness[1] as number, random),
    ],
    x: uniform(0.3, 0.7),
    y: uniform(0.3, 0.7),
    radius: uniform(0.28, 0.44),
    rotation: uniform(0, 360),
    squeeze: uniform(0.75, 1.33),
    texturePeriod: uniform(0.14, 0.22) * (texture === "halves" ? HALVES : 1),
    textureRotation: uniform(0, 360),
    background: [grey(random), grey(random)],
    backgroundRotation: uniform(0, 360),
    noiseSeed: random.integer(0, 100_000),
    noiseFrequency: uniform(0.02, 0.09),
    noiseStrength: uniform(0.05, 0.4),
    grainStrength: uniform(0.05, 0.3),
    distractors: Array.from({ length: random.integer(0, 5) }, () => drawDistractor(random)),
  };
}

function figureColour(hue: number, lightness: number, { uniform }: RandomStream): Colour {
  return { hue: hue + uniform(-18, 18), saturation: uniform(35, 75), lightness };
}

/** Any lightness, little colour: light is what augmentation hides, colour is what it leaves. */
function grey({ uniform }: RandomStream): Colour {
  return { hue: uniform(0, 360), saturation: uniform(0, 35), lightness: uniform(5, 95) };
}

function drawDistractor(random: RandomStream): Distractor {
  const { uniform } = random;
  return { x: uniform(0, 1), y: uniform(0, 1), radius: uniform(0.05, 0.16), colour: grey(random) };
}
