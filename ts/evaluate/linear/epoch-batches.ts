/** The batches of an epoch: of random crops, or of features that were computed once. */
import type { ImageSource } from "../../dataset/image-source.js";
import { renderCropViews } from "../../native/crop-views.js";
import type { DecodedImage } from "../../native/types.js";
import { randomStream } from "../../random.js";
import { ASPECT_RATIO, type CropRange, randomResizedCrop } from "../../recipe/random-resized-crop.js";
import type { ViewRecipe } from "../../recipe/types.js";
import { encodedRows, type RowBatch, type RowEncoder, type RowTable } from "./encoded-rows.js";

/** `epoch` counted from 0. A function of (seed, epoch) alone. */
export type EpochBatches = (epoch: number) => AsyncIterable<RowBatch>;

/** Of the reference's probe, as of its classification training elsewhere. */
const CROPS: CropRange = { scale: [0.08, 1], aspectRatio: ASPECT_RATIO };
const FLIP_PROBABILITY = 0.5;

/** Each image as a random resized crop, flipped or not, anew in every epoch. */
export function augmentedBatches(
  rowEncoder: RowEncoder,
  source: ImageSource,
  samples: Uint32Array,
  seed: number,
): EpochBatches {
  const side = rowEncoder.imageSize;
  return (epoch) => {
    const view = (image: DecodedImage, sample: number) =>
      renderCropViews([image], [cropRecipe(image, side, [seed, epoch, sample])], side);
    const order = epochOrder(samples.length, seed, epoch);
    const ordered = order.map((place) => samples[place] as number);
    return encodedRows(rowEncoder, source, ordered, view);
  };
}

/** Rows of a table, in another order in every epoch. */
export function tableBatches(table: RowTable, batchSize: number, seed: number): EpochBatches {
  const { rows, labels, width } = table;
  return async function* (epoch) {
    const order = epochOrder(labels.length, seed, epoch);
    for (let start = 0; start < order.length; start += batchSize) {
      const places = order.subarray(start, start + batchSize);
      const taken = new Float32Array(places.length * width);
      for (const [at, place] of places.entries())
        taken.set(rows.subarray(place * width, (place + 1) * width), at * width);
      yield { rows: taken, labels: Int32Array.from(places, (place) => labels[place] as number), skipped: [] };
    }
  };
}

function cropRecipe(
  image: DecodedImage,
  size: number,
  [seed, epoch, sample]: readonly [number, number, number],
): ViewRecipe {
  const random = randomStream(seed, "linear-crop", epoch, sample);
  const crop = randomResizedCrop(image, CROPS, random);
  const flipped = random.chance(FLIP_PROBABILITY);
  return { crop, size, flipped, jitter: [], grayscale: false, blurRadius: 0, solarizeThreshold: null };
}

function epochOrder(count: number, seed: number, epoch: number): Uint32Array {
  return randomStream(seed, "linear-order", epoch).permutation(count);
}
