/**
 * What the probe sees of a train image (spec/evaluation.md section 2): mirrored or not, changed as a whole by RandAugment, a
 * random crop of it, and boxes of that erased. All of it is a function of (seed, epoch, sample).
 */
import { renderAugmentedViews, renderCropViews } from "../../native/crop-views.js";
import type { DecodedImage } from "../../native/types.js";
import { randomStream } from "../../random.js";
import type { ImageSize } from "../../recipe/coordinates.js";
import { randAugment } from "../../recipe/rand-augment.js";
import { type RandAugmentPolicy, randAugmentPolicy } from "../../recipe/rand-augment-policy.js";
import { randomErasing } from "../../recipe/random-erasing.js";
import { ASPECT_RATIO, type CropRange, randomResizedCrop } from "../../recipe/random-resized-crop.js";
import type { AugmentedRecipe, PixelBox, ViewRecipe } from "../../recipe/types.js";
import type { RowViews } from "./encoded-rows.js";
import type { LinearSettings } from "./settings.js";

/** Of the reference's probe, as of its classification training elsewhere. */
const CROPS: CropRange = { scale: [0.08, 1], aspectRatio: ASPECT_RATIO };
const FLIP_PROBABILITY = 0.5;

/** The mean colour that images are normalised with. */
const FILL: AugmentedRecipe["fill"] = [124, 116, 104];

type Choices = Pick<LinearSettings, "seed" | "imageSize" | "autoAugment" | "erasing">;

/** `epoch` counted from 0. */
export function augmentedViews(choices: Choices, epoch: number): RowViews {
  const { seed, imageSize: side, autoAugment, erasing } = choices;
  const policy = autoAugment === null ? null : randAugmentPolicy(autoAugment);
  const view = (image: DecodedImage, sample: number) => {
    const at = { seed, epoch, sample };
    return policy === null
      ? renderCropViews([image], [cropRecipe(image, side, at)], side)
      : renderAugmentedViews([image], [augmentedRecipe(image, policy, side, at)], side);
  };
  if (erasing === null) return { view };
  const size = { height: side, width: side };
  const stream = (sample: number) => randomStream(seed, "linear-erase", epoch, sample);
  return { view, erased: (sample) => randomErasing(size, erasing, stream(sample)) };
}

/** Names the random numbers of a view. */
interface Place {
  readonly seed: number;
  readonly epoch: number;
  readonly sample: number;
}

export function augmentedRecipe(
  image: ImageSize,
  policy: RandAugmentPolicy,
  size: number,
  at: Place,
): AugmentedRecipe {
  const random = randomStream(at.seed, "linear-augment", at.epoch, at.sample);
  const augmentations = randAugment(image, policy, random);
  return { ...cropAndFlip(image, at), augmentations, fill: FILL, size };
}

function cropRecipe(image: ImageSize, size: number, at: Place): ViewRecipe {
  const plain = { jitter: [], grayscale: false, blurRadius: 0, solarizeThreshold: null };
  return { ...cropAndFlip(image, at), size, ...plain };
}

function cropAndFlip(
  image: ImageSize,
  { seed, epoch, sample }: Place,
): { readonly crop: PixelBox; readonly flipped: boolean } {
  const random = randomStream(seed, "linear-crop", epoch, sample);
  const crop = randomResizedCrop(image, CROPS, random);
  return { crop, flipped: random.chance(FLIP_PROBABILITY) };
}
