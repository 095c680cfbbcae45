/** Weighted k-NN on frozen features (spec/evaluation.md section 1). */
import type { ImageSource } from "../dataset/image-source.js";
import { DataError } from "../errors.js";
import type { Feature } from "../native/encoder.js";
import { neighbourVote } from "../native/engine.js";
import type { NeighbourScore } from "../native/types.js";
import type { SkippedFile } from "../views/evaluation-batches.js";
import type { ImageLimits } from "../views/read-image.js";
import type { Embedder } from "./embedder.js";
import type { FeatureCache } from "./feature-cache.js";
import { type FeatureRequest, type FeatureTable, sourceFeatures } from "./features.js";

export interface KnnRequest {
  readonly embedder: Embedder;
  readonly train: ImageSource;
  /** Null: each train image is judged by all others (leave one out). */
  readonly heldOut: ImageSource | null;
  /** Shorter side after resizing, in pixels. */
  readonly resizeTo: number;
  /** Side of the centre crop that the network sees. */
  readonly cropSize: number;
  /** Numbers of neighbours k. */
  readonly neighbours: readonly number[];
  readonly temperature: number;
  readonly batchSize: number;
  /** Threads that decode and render. */
  readonly workers: number;
  /** Default: those of the configuration. */
  readonly limits?: ImageLimits | undefined;
  /** Where the vote is computed; default "cpu". */
  readonly device?: string | undefined;
  /** Default: features are computed anew. */
  readonly cache?: FeatureCache | undefined;
  /** Once aborted, the batch in progress is finished and the call rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch with the number of images done of both sources. */
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface KnnResult {
  /** One for each feature, in the embedder's order. */
  readonly features: readonly FeatureScores[];
  /** Images that took part; `heldOutImages` is null where one was left out at a time. */
  readonly trainImages: number;
  readonly heldOutImages: number | null;
  readonly classes: number;
  /** Files of both sources that could not be decoded and were left out. */
  readonly skipped: readonly SkippedFile[];
  /** What a reader should know, a line each. */
  readonly remarks: readonly string[];
}

export interface FeatureScores {
  readonly feature: Feature;
  /** One for each k. */
  readonly scores: readonly NeighbourScore[];
}

/** Throws DataError where a source has no labels or no readable image, or a held-out class has no train images. */
export async function evaluateKnn(request: KnnRequest): Promise<KnnResult> {
  const { train, heldOut } = request;
  const toTrainClass = heldOut === null ? ownClasses(train) : matchClasses(train, heldOut);
  const total = train.count + (heldOut?.count ?? 0);
  const known = await features(request, train, (done) => request.onProgress?.(done, total));
  const ask = (source: ImageSource) =>
    features(request, source, (done) => request.onProgress?.(train.count + done, total));
  const asked = heldOut === null ? null : await ask(heldOut);
  const labels = {
    train: Int32Array.from(known.samples, (sample) => train.label(sample)),
    test: asked && Int32Array.from(asked.samples, (at) => toTrainClass[heldOut?.label(at) ?? 0] as number),
  };
  return {
    features: await votes(request, { known, asked, labels }),
    trainImages: known.samples.length,
    heldOutImages: asked?.samples.length ?? null,
    classes: train.classes.length,
    skipped: [...known.skipped, ...(asked?.skipped ?? [])],
    remarks: remarks(request, labels),
  };
}

interface Labels {
  readonly train: Int32Array;
  readonly test: Int32Array | null;
}

interface Tables {
  readonly known: FeatureTable;
  readonly asked: FeatureTable | null;
  readonly labels: Labels;
}

async function votes(request: KnnRequest, { known, asked, labels }: Tables): Promise<FeatureScores[]> {
  const { embedder, train, neighbours, temperature, device = "cpu" } = request;
  const results: FeatureScores[] = [];
  for (const [at, feature] of embedder.features.entries()) {
    const rows = known.features[at];
    if (rows === undefined) continue;
    const scores = await neighbourVote({
      train: rows.rows,
      trainLabels: labels.train,
      test: asked?.features[at]?.rows ?? null,
      testLabels: labels.test,
      width: rows.width,
      classes: train.classes.length,
      neighbours,
      temperature,
      device,
    });
    results.push({ feature, scores });
  }
  return results;
}

function features(
  request: KnnRequest,
  source: ImageSource,
  onProgress: (done: number) => void,
): Promise<FeatureTable> {
  const { embedder, resizeTo, cropSize, batchSize, workers, limits, signal, cache } = request;
  const size = { resizeTo, crop: cropSize };
  const wanted: FeatureRequest = { source, size, batchSize, workers, limits, signal, embedder, onProgress };
  const names = embedder.features;
  return cache === undefined ? sourceFeatures(wanted) : cache.features(wanted, names);
}

/** Leaving one out, a class of one image can never be found. */
function ownClasses(train: ImageSource): readonly number[] {
  requireLabels(train);
  const counts = classCounts(train);
  if (counts.some((count) => count > 1)) return train.classes.map((_, index) => index);
  throw new DataError(
    `data ${train.root}: expected a class of at least two images, since each is judged by the others, found one image in each`,
    { hint: "give --val a second folder, or more images" },
  );
}

function classCounts(source: ImageSource): number[] {
  const counts = source.classes.map(() => 0);
  for (let sample = 0; sample < source.count; sample++) {
    const label = source.label(sample);
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return counts;
}

function remarks({ train, heldOut }: KnnRequest, labels: Labels): string[] {
  const present = new Set(labels.test ?? labels.train);
  const missing = train.classes.filter((_, index) => !present.has(index));
  if (heldOut !== null) {
    if (missing.length === 0) return [];
    return [
      `${missing.length} of ${train.classes.length} classes have no image in ${heldOut.root}: ${some(missing)}`,
    ];
  }
  const counts = classCounts(train);
  const single = train.classes.filter((_, index) => counts[index] === 1);
  if (single.length === 0) return [];
  return [`${single.length} classes have one image, which no other can find: ${some(single)}`];
}

/** The first few of a list. */
function some(names: readonly string[]): string {
  return names.length > 5 ? `${names.slice(0, 5).join(", ")} and more` : names.join(", ");
}

/** For each class of the held-out source the index of the train class of that name. */
export function matchClasses(train: ImageSource, heldOut: ImageSource): readonly number[] {
  for (const source of [train, heldOut]) requireLabels(source);
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
function requireLabels(source: ImageSource): void {
  if (source.classes.length === 0) {
    throw new DataError(
      `data ${source.root}: k-NN needs labels, but none were found (read as: ${source.kind})`,
      {
        hint: "give a folder with one sub-folder for each class, or a list or shards with labels",
      },
    );
  }
  for (let index = 0; index < source.count; index++) {
    if (source.label(index) >= 0) continue;
    throw new DataError(
      `data ${source.root}: k-NN needs a label for each image, but ${source.name(index)} has none`,
      { hint: "give it a label, or leave it out" },
    );
  }
}
