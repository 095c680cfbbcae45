/** One image of a training batch: its pixels and its recipe, or those of another image where it cannot be decoded. */
import type { ImageSource } from "../dataset/image-source.js";
import { MISSING } from "../dataset/read-file.js";
import { DataError } from "../errors.js";
import type { DecodedImage } from "../native/types.js";
import { type RandomStream, randomStream } from "../random.js";
import { type MultiCropOptions, multiCropRecipe } from "../recipe/multi-crop.js";
import type { ImageRecipe } from "../recipe/types.js";
import { DecodeError } from "./decode-error.js";
import type { PartSeconds } from "./part-seconds.js";
import type { Draw } from "./planned-batches.js";
import { type HeldImage, type ReadLimits, readImage } from "./read-image.js";

/** A file that could not be decoded. */
export interface SkippedSample {
  readonly file: string;
  /** What is wrong with it. */
  readonly reason: string;
  readonly epoch: number;
  /** Its index in the source. */
  readonly sample: number;
}

/** Disposing of it makes room for other images. */
export interface PreparedSample extends Disposable {
  readonly image: DecodedImage;
  readonly recipe: ImageRecipe;
  readonly skipped: readonly SkippedSample[];
  /** Time that passed in each part of the work. */
  readonly seconds: Omit<PartSeconds, "render">;
}

export interface SampleRequest {
  readonly source: ImageSource;
  readonly crops: MultiCropOptions;
  readonly seed: number;
  readonly epoch: number;
  readonly draw: Draw;
  /** All samples of the epoch, of which others are taken in the place of files that cannot be decoded. */
  readonly order: Uint32Array;
  readonly limits: ReadLimits;
}

/** With nine of ten files damaged, one sample in 850 would still fail. */
const ATTEMPTS = 64;

/**
 * The sample, or in its place another of the epoch that is drawn from (seed, epoch, sample). Throws DataError where ATTEMPTS
 * images in a row cannot be decoded.
 */
export async function prepareSample(request: SampleRequest): Promise<PreparedSample> {
  const skipped: SkippedSample[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const outcome = await tryDecode(request, chosenSample(request, attempt));
    if ("image" in outcome) return prepared(request, outcome, skipped);
    skipped.push(outcome);
  }
  throw unusable(request.source, skipped);
}

async function tryDecode(
  { source, epoch, limits }: SampleRequest,
  sample: number,
): Promise<HeldImage | SkippedSample> {
  try {
    return await readImage(source, sample, limits);
  } catch (error) {
    if (error instanceof DecodeError) return { file: error.file, reason: error.reason, epoch, sample };
    throw error;
  }
}

function prepared(
  request: SampleRequest,
  held: HeldImage,
  skipped: readonly SkippedSample[],
): PreparedSample {
  const began = performance.now();
  const recipe = recipeOf(request, held.image);
  const seconds = { ...held.seconds, recipe: (performance.now() - began) / 1000 };
  return { image: held.image, recipe, skipped, seconds, [Symbol.dispose]: () => held[Symbol.dispose]() };
}

function chosenSample(request: SampleRequest, attempt: number): number {
  const { draw, order } = request;
  if (attempt === 0) return draw.sample;
  return order[streamOf(request, "replacement", attempt).integer(0, order.length)] as number;
}

/** Named by the sample that was asked for, so that a replacement is not the same view as where it stands itself. */
function recipeOf(request: SampleRequest, image: DecodedImage): ImageRecipe {
  return multiCropRecipe(image, request.crops, streamOf(request, "recipe"));
}

/** A sample that an epoch shows more than once has other views each time. */
function streamOf({ seed, epoch, draw }: SampleRequest, use: string, ...rest: number[]): RandomStream {
  const { sample, repeat } = draw;
  const again = repeat === 0 ? [] : ["repeat", repeat];
  return randomStream(seed, use, epoch, sample, ...rest, ...again);
}

const WHERE_MISSING = "were the data moved, or their disk unmounted? Bring them back and go on with --resume";
const WHERE_DAMAGED =
  "look at some of these files with another program; damaged ones must be replaced or removed";

function unusable(source: ImageSource, skipped: readonly SkippedSample[]): DataError {
  const last = skipped.at(-1);
  return new DataError(
    `data ${source.root}: ${skipped.length} images in a row cannot be decoded, the last is ${last?.file}: ${last?.reason}`,
    { hint: skipped.every(({ reason }) => reason === MISSING) ? WHERE_MISSING : WHERE_DAMAGED },
  );
}
