/** One image of a training batch: its pixels and its recipe, or those of another image where it cannot be decoded. */
import type { ImageSource } from "../dataset/image-source.js";
import { DataError } from "../errors.js";
import type { DecodedImage } from "../native/types.js";
import { randomStream } from "../random.js";
import { type MultiCropOptions, multiCropRecipe } from "../recipe/multi-crop.js";
import type { ImageRecipe } from "../recipe/types.js";
import { decodeImage } from "./decode.js";
import { DecodeError } from "./decode-error.js";

/** A file that could not be decoded. */
export interface SkippedSample {
  readonly file: string;
  /** What is wrong with it. */
  readonly reason: string;
  readonly epoch: number;
  /** Its index in the source. */
  readonly sample: number;
}

export interface PreparedSample {
  readonly image: DecodedImage;
  readonly recipe: ImageRecipe;
  readonly skipped: readonly SkippedSample[];
}

export interface SampleRequest {
  readonly source: ImageSource;
  readonly crops: MultiCropOptions;
  readonly seed: number;
  readonly epoch: number;
  readonly sample: number;
}

/** With nine of ten files damaged, one sample in 850 would still fail. */
const ATTEMPTS = 64;

/**
 * The sample, or in its place another that is drawn from (seed, epoch, sample). Throws DataError where ATTEMPTS images in
 * a row cannot be decoded.
 */
export async function prepareSample(request: SampleRequest): Promise<PreparedSample> {
  const skipped: SkippedSample[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const outcome = await tryDecode(request, chosenSample(request, attempt));
    if (!("reason" in outcome)) return { image: outcome, recipe: recipeOf(request, outcome), skipped };
    skipped.push(outcome);
  }
  throw unusable(request.source, skipped);
}

async function tryDecode(
  { source, epoch }: SampleRequest,
  sample: number,
): Promise<DecodedImage | SkippedSample> {
  const file = source.file(sample);
  try {
    return await decodeImage(file);
  } catch (error) {
    if (error instanceof DecodeError) return { file, reason: error.reason, epoch, sample };
    throw error;
  }
}

function chosenSample({ source, seed, epoch, sample }: SampleRequest, attempt: number): number {
  if (attempt === 0) return sample;
  return randomStream(seed, "replacement", epoch, sample, attempt).integer(0, source.count);
}

/** Named by the sample that was asked for, so that a replacement is not the same view as where it stands itself. */
function recipeOf({ crops, seed, epoch, sample }: SampleRequest, image: DecodedImage): ImageRecipe {
  return multiCropRecipe(image, crops, randomStream(seed, "recipe", epoch, sample));
}

function unusable(source: ImageSource, skipped: readonly SkippedSample[]): DataError {
  const last = skipped.at(-1);
  return new DataError(
    `data folder ${source.root}: ${skipped.length} images in a row cannot be decoded, the last is ${last?.file}: ${last?.reason}`,
    { hint: "look at some of these files with another program; damaged ones must be replaced or removed" },
  );
}
