/** RandAugment as timm draws it (spec/evaluation.md section 0.8): which operations, and how strongly. */
import type { RandomStream } from "../random.js";
import type { ImageSize } from "./coordinates.js";
import { normal } from "./normal.js";
import type { RandAugmentPolicy } from "./rand-augment-policy.js";
import type { Augmentation } from "./types.js";

type Kind = Augmentation["kind"];

/** Chance of an operation that was drawn. */
const PROBABILITY = 0.5;
/** Magnitude at which an operation is strongest. */
const STRONGEST = 10;

/** All operations, with timm's weights `w0`. */
const WEIGHTS: readonly (readonly [kind: Kind, weight: number])[] = [
  ["autoContrast", 0.025],
  ["equalize", 0.005],
  ["invert", 0],
  ["rotate", 0.3],
  ["posterize", 0],
  ["solarize", 0.005],
  ["solarizeAdd", 0.005],
  ["saturation", 0.025],
  ["contrast", 0.005],
  ["brightness", 0.005],
  ["sharpness", 0.025],
  ["shearX", 0.2],
  ["shearY", 0.2],
  ["translateX", 0.1],
  ["translateY", 0.1],
];

/** The operations of one image, in the order in which they are applied. */
export function randAugment(
  image: ImageSize,
  policy: RandAugmentPolicy,
  random: RandomStream,
): readonly Augmentation[] {
  const kinds = policy.weighted ? weightedKinds(policy, random) : evenKinds(policy, random);
  const changes: Augmentation[] = [];
  for (const kind of kinds) {
    if (random.chance(PROBABILITY)) changes.push(operation(kind, image, policy, random));
  }
  return changes;
}

function evenKinds({ operations }: RandAugmentPolicy, random: RandomStream): readonly Kind[] {
  const drawn = Array.from({ length: operations }, () => WEIGHTS[random.integer(0, WEIGHTS.length)]);
  return drawn.flatMap((entry) => (entry === undefined ? [] : [entry[0]]));
}

/** No operation twice. */
function weightedKinds({ operations }: RandAugmentPolicy, random: RandomStream): readonly Kind[] {
  let left = WEIGHTS.filter(([, weight]) => weight > 0);
  return Array.from({ length: operations }, () => {
    let place = random.uniform(
      0,
      left.reduce((sum, [, weight]) => sum + weight, 0),
    );
    const [kind] =
      left.find(([, weight]) => {
        place -= weight;
        return place < 0;
      }) ?? (left.at(-1) as (typeof WEIGHTS)[number]);
    left = left.filter(([other]) => other !== kind);
    return kind;
  });
}

function operation(
  kind: Kind,
  image: ImageSize,
  policy: RandAugmentPolicy,
  random: RandomStream,
): Augmentation {
  const share = shareOfStrongest(policy, random);
  const signed = (value: number) => (random.chance(0.5) ? -value : value);
  const rising = (value: number, from: number) => (policy.increasing ? from - value : value);
  switch (kind) {
    case "autoContrast":
    case "equalize":
    case "invert":
      return { kind };
    case "posterize":
      return { kind, amount: rising(Math.trunc(share * 4), 4) };
    case "solarize":
      return { kind, amount: rising(Math.trunc(share * 256), 256) };
    case "solarizeAdd":
      return { kind, amount: Math.trunc(share * 110) };
    case "rotate":
      return warp(kind, signed(share * 30), random);
    case "shearX":
    case "shearY":
      return warp(kind, signed(share * 0.3), random);
    case "translateX":
      return warp(kind, signed(share * 0.45) * image.width, random);
    case "translateY":
      return warp(kind, signed(share * 0.45) * image.height, random);
    default:
      return { kind, amount: policy.increasing ? 1 + signed(share * 0.9) : share * 1.8 + 0.1 };
  }
}

/** Magnitude as a share of the strongest, in [0, 1]. */
function shareOfStrongest({ magnitude, deviation }: RandAugmentPolicy, random: RandomStream): number {
  const drawn = deviation === 0 ? magnitude : normal({ mean: magnitude, deviation }, random);
  return Math.min(Math.max(drawn, 0), STRONGEST) / STRONGEST;
}

type Warp = Extract<Augmentation, { readonly interpolation: unknown }>;

function warp(kind: Warp["kind"], amount: number, random: RandomStream): Warp {
  return { kind, amount, interpolation: random.chance(0.5) ? "bilinear" : "bicubic" };
}
