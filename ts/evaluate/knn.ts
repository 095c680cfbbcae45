/** Weighted k-NN on frozen features (spec/evaluation.md section 1). */
import type { ImageSource } from "../dataset/image-source.js";
import { DataError } from "../errors.js";
import { type Native, neighbourVote } from "../native/engine.js";
import type { NeighbourScore } from "../native/types.js";
import type { SkippedFile } from "../views/evaluation-batches.js";
import type { ImageLimits } from "../views/read-image.js";
import { type FeatureTable, sourceFeatures } from "./features.js";

export interface KnnRequest {
  readonly native: Native;
  readonly train: ImageSource;
  readonly heldOut: ImageSource;
  /** Shorter side after resizing, in pixels. */
  readonly resizeTo: number;
  /** Side of the centre crop that the network sees; a multiple of its patch size. */
  readonly cropSize: number;
  /** Numbers of neighbours k. */
  readonly neighbours: readonly number[];
  readonly temperature: number;
  readonly batchSize: number;
  /** Threads that decode and render. */
  readonly workers: number;
  readonly limits: ImageLimits;
  /** Default: the teacher. */
  readonly network?: "teacher" | "student";
  /** Once aborted, the batch in progress is finished and the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of images done of both sources. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface KnnResult {
  /** One for each k. */
  readonly scores: readonly NeighbourScore[];
  /** Images that took part. */
  readonly trainImages: number;
  readonly heldOutImages: number;
  /** Files of both sources that could not be decoded and were left out. */
  readonly skipped: readonly SkippedFile[];
}

/** Throws DataError where a source has no labels or no readable image, or a held-out class has no train images. */
export async function evaluateKnn(request: KnnRequest): Promise<KnnResult> {
  const { train, heldOut, neighbours, temperature } = request;
  const toTrainClass = matchClasses(train, heldOut);
  const total = train.count + heldOut.count;
  const known = await features(request, train, (done) => request.onProgress?.(done, total));
  const asked = await features(request, heldOut, (done) => request.onProgress?.(train.count + done, total));
  const scores = await neighbourVote({
    train: known.rows,
    trainLabels: Int32Array.from(known.samples, (sample) => train.label(sample)),
    test: asked.rows,
    testLabels: Int32Array.from(asked.samples, (sample) => toTrainClass[heldOut.label(sample)] as number),
    width: known.width,
    classes: train.classes.length,
    neighbours,
    temperature,
  });
  return {
    scores,
    trainImages: known.samples.length,
    heldOutImages: asked.samples.length,
    skipped: [...known.skipped, ...asked.skipped],
  };
}

function features(
  { native, resizeTo, cropSize, batchSize, workers, limits, signal, network = "teacher" }: KnnRequest,
  source: ImageSource,
  onProgress: (done: number) => void,
): Promise<FeatureTable> {
  const size = { resizeTo, crop: cropSize };
  const embed = (images: number, pixels: Uint8Array) =>
    native.embed({ images, size: cropSize, pixels }, network);
  return sourceFeatures({ source, size, batchSize, workers, limits, signal, embed, onProgress });
}

/** For each class of the held-out source the index of the train class of that name. */
export function matchClasses(train: ImageSource, heldOut: ImageSource): readonly number[] {
  for (const source of [train, heldOut]) {
    requireWholeLabels(source);
    if (source.classes.length > 0) continue;
    throw new DataError(
      `data ${source.root}: k-NN needs labels, but none were found (read as: ${source.kind})`,
      {
        hint: "give a folder with one sub-folder for each class, or a list or shards with labels",
      },
    );
  }
  return heldOut.classes.map((name) => {
    const index = train.classes.indexOf(name);
    if (index >= 0) return index;
    throw new DataError(
      `class "${name}" of ${heldOut.root}: expected a class of that name in ${train.root}`,
      {
        hint: "both parts need the same class folders",
      },
    );
  });
}

/** Lists and shards can have labels for a part of their images. */
function requireWholeLabels(source: ImageSource): void {
  if (source.classes.length === 0) return;
  for (let index = 0; index < source.count; index++) {
    if (source.label(index) >= 0) continue;
    throw new DataError(
      `data ${source.root}: k-NN needs a label for each image, but ${source.name(index)} has none`,
      {
        hint: "give it a label, or leave it out",
      },
    );
  }
}
