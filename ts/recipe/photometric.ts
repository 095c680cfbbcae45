/** Photometric choices of one view (spec/method.md section 2): what to change, in which order, and how strongly. */
import type { RandomStream } from "../random.js";
import type { JitterStep, ViewRecipe } from "./types.js";

export interface PhotometricOptions {
  readonly jitterProbability: number;
  /** Brightness is multiplied by a factor in [max(0, 1 - x), 1 + x]; 0: left alone. The same for the next two. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** Largest shift of the hue in either direction, as a fraction of the colour circle, in [0, 0.5]. */
  readonly hue: number;
  readonly grayscaleProbability: number;
  /** Chance of branch A (blur alone) against branch B (a rare blur, then solarisation). */
  readonly blurBranchProbability: number;
  /** Branch A: its chance of a blur is one of these two, each of them half of the time. */
  readonly blurProbabilities: readonly [number, number];
  /** Branch B: chance of a blur. */
  readonly solarizeBranchBlurProbability: number;
  /** Branch B: chance of solarisation. */
  readonly solarizeProbability: number;
  /** Pixel values at or above it are inverted, 0-255. */
  readonly solarizeThreshold: number;
  /** Range of the radius of PIL's GaussianBlur, in pixels of the view. */
  readonly blurRadius: readonly [low: number, high: number];
}

/** As the published models were trained. */
export const PHOTOMETRIC_DEFAULTS: PhotometricOptions = {
  jitterProbability: 0.8,
  brightness: 0.4,
  contrast: 0.4,
  saturation: 0.2,
  hue: 0.1,
  grayscaleProbability: 0.2,
  blurBranchProbability: 0.5,
  blurProbabilities: [0.5, 1],
  solarizeBranchBlurProbability: 0.1,
  solarizeProbability: 0.2,
  solarizeThreshold: 128,
  blurRadius: [0.1, 2],
};

export type PhotometricChoice = Pick<ViewRecipe, "jitter" | "grayscale" | "blurRadius" | "solarizeThreshold">;

/** Draws jitter and grayscale, then one of the two branches. */
export function photometricChoice(options: PhotometricOptions, random: RandomStream): PhotometricChoice {
  const jitter = random.chance(options.jitterProbability) ? colourJitter(options, random) : [];
  const grayscale = random.chance(options.grayscaleProbability);
  const branch = random.chance(options.blurBranchProbability) ? blurBranch : solarizeBranch;
  return { jitter, grayscale, ...branch(options, random) };
}

type BranchChoice = Pick<ViewRecipe, "blurRadius" | "solarizeThreshold">;

/** Branch A. */
function blurBranch(options: PhotometricOptions, random: RandomStream): BranchChoice {
  const [first, second] = options.blurProbabilities;
  const probability = random.chance(0.5) ? first : second;
  return { blurRadius: blurRadius(probability, options, random), solarizeThreshold: null };
}

/** Branch B. */
function solarizeBranch(options: PhotometricOptions, random: RandomStream): BranchChoice {
  const radius = blurRadius(options.solarizeBranchBlurProbability, options, random);
  const solarized = random.chance(options.solarizeProbability);
  return { blurRadius: radius, solarizeThreshold: solarized ? options.solarizeThreshold : null };
}

function blurRadius(probability: number, options: PhotometricOptions, random: RandomStream): number {
  return random.chance(probability) ? random.uniform(...options.blurRadius) : 0;
}

/** The four operations in random order, with torchvision's ranges; an operation of strength 0 is left out. */
function colourJitter(options: PhotometricOptions, random: RandomStream): readonly JitterStep[] {
  const steps: readonly (JitterStep | null)[] = [
    factorStep("brightness", options.brightness, random),
    factorStep("contrast", options.contrast, random),
    factorStep("saturation", options.saturation, random),
    hueStep(options.hue, random),
  ];
  const order = Array.from(random.permutation(steps.length), (index) => steps[index] as JitterStep | null);
  return order.filter((step) => step !== null);
}

function factorStep(
  kind: "brightness" | "contrast" | "saturation",
  strength: number,
  random: RandomStream,
): JitterStep | null {
  if (strength === 0) return null;
  return { kind, factor: random.uniform(Math.max(0, 1 - strength), 1 + strength) };
}

function hueStep(largest: number, random: RandomStream): JitterStep | null {
  return largest === 0 ? null : { kind: "hue", shift: random.uniform(-largest, largest) };
}
