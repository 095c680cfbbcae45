/** Images of a source to rows of frozen features with their labels. */
import { totalmem } from "node:os";
import type { ImageSource } from "../../dataset/image-source.js";
import { DataError } from "../../errors.js";
import type { Encoder } from "../../native/encoder.js";
import { renderEvaluationViews } from "../../native/engine.js";
import type { LabelledRows } from "../../native/probe.js";
import type { Erasure } from "../../recipe/types.js";
import type { SkippedFile } from "../../views/evaluation-batches.js";
import { type SampleBatch, type SampleBatchesRequest, sampleBatches } from "../../views/sample-batches.js";
import { type RowLayout, rowsOf } from "./row-layout.js";

/** What the probe needs of a frozen network. */
export type PoolingEncoder = Pick<Encoder, "model" | "pooled">;

export interface RowEncoder {
  readonly encoder: PoolingEncoder;
  readonly layout: RowLayout;
  readonly imageSize: number;
  readonly resizeTo: number;
  readonly batchSize: number;
  /** Images decoded at once. */
  readonly workers: number;
  /** Once aborted, the batch in progress is finished and the stream ends with its reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface RowBatch extends LabelledRows {
  /** Files that could not be decoded; they have no row. */
  readonly skipped: readonly SkippedFile[];
}

/** A table of rows in memory. */
export interface RowTable extends RowBatch {
  readonly width: number;
}

/** How a stream shows its images. */
export interface RowViews {
  readonly view: SampleBatchesRequest["view"];
  /** Boxes of a sample's view that are written over; absent: none. */
  readonly erased?: ((sample: number) => readonly Erasure[]) | undefined;
}

/** Batches in the order of `samples`; one may be smaller, or empty, by files that could not be decoded. */
export async function* encodedRows(
  { encoder, layout, imageSize, batchSize, workers, signal }: RowEncoder,
  source: ImageSource,
  samples: ArrayLike<number>,
  { view, erased = () => [] }: RowViews,
): AsyncGenerator<RowBatch> {
  for await (const batch of sampleBatches({ source, samples, batchSize, workers, view })) {
    signal?.throwIfAborted();
    const labels = Int32Array.from(batch.samples, (sample) => source.label(sample));
    yield { rows: await rows(batch), labels, skipped: batch.skipped };
  }

  async function rows({ pixels, samples: shown }: SampleBatch): Promise<Float32Array> {
    const images = shown.length;
    if (images === 0) return new Float32Array(0);
    const erasures = shown.flatMap((sample, image) => erased(sample).map((box) => ({ ...box, image })));
    const batch = { images, height: imageSize, width: imageSize, pixels, erasures };
    return rowsOf(await encoder.pooled(batch, { blocks: layout.blocks, patches: layout.patches }), layout);
  }
}

/**
 * Rows of the images' centre crops, kept in memory. Throws DataError where none can be decoded or where they do not fit.
 */
export async function rowTable(
  rowEncoder: RowEncoder,
  source: ImageSource,
  samples: ArrayLike<number>,
  onProgress: (done: number) => void = () => {},
): Promise<RowTable> {
  const { width } = rowEncoder.layout;
  requireMemory(source, samples.length * width * 4);
  const rows = new Float32Array(samples.length * width);
  const labels: number[] = [];
  const skipped: SkippedFile[] = [];
  const size = { resizeTo: rowEncoder.resizeTo, crop: rowEncoder.imageSize };
  const views: RowViews = { view: (image) => renderEvaluationViews([image], size) };
  for await (const batch of encodedRows(rowEncoder, source, samples, views)) {
    rows.set(batch.rows, labels.length * width);
    labels.push(...batch.labels);
    skipped.push(...batch.skipped);
    onProgress(labels.length + skipped.length);
  }
  if (labels.length === 0) throw unreadable(source, skipped);
  return { rows: rows.subarray(0, labels.length * width), labels: Int32Array.from(labels), skipped, width };
}

function requireMemory(source: ImageSource, bytes: number): void {
  const [needed, there] = [bytes, totalmem()].map((value) => `${(value / 1e9).toFixed(1)} GB`);
  if (bytes <= 0.8 * totalmem()) return;
  throw new DataError(
    `data folder ${source.root}: expected features that fit in memory, received ${needed} on a machine of ${there}`,
    {
      hint: "keep the augmentation, which keeps no features of the train images, or give fewer --grid-blocks",
    },
  );
}

function unreadable(source: ImageSource, skipped: readonly SkippedFile[]): DataError {
  const [first] = skipped;
  return new DataError(
    `data folder ${source.root}: none of ${skipped.length} images can be decoded, the first is ${first?.file}: ${first?.reason}`,
    { hint: "look at some of these files with another program" },
  );
}
