/** The batches of an epoch: of augmented images, or of features that were computed once. */
import type { ImageSource } from "../../dataset/image-source.js";
import { randomStream } from "../../random.js";
import { augmentedViews } from "./augmented-views.js";
import { encodedRows, type RowBatch, type RowEncoder, type RowTable } from "./encoded-rows.js";
import type { LinearSettings } from "./settings.js";

/** `epoch` counted from 0. A function of (seed, epoch) alone. */
export type EpochBatches = (epoch: number) => AsyncIterable<RowBatch>;

/** Each image augmented anew in every epoch. */
export function augmentedBatches(
  rowEncoder: RowEncoder,
  source: ImageSource,
  samples: Uint32Array,
  settings: LinearSettings,
): EpochBatches {
  const { seed } = settings;
  return (epoch) => {
    const order = epochOrder(samples.length, seed, epoch);
    const ordered = order.map((place) => samples[place] as number);
    return encodedRows(rowEncoder, source, ordered, augmentedViews(settings, epoch));
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

function epochOrder(count: number, seed: number, epoch: number): Uint32Array {
  return randomStream(seed, "linear-order", epoch).permutation(count);
}
