/** Features of all images of a folder as a file, in bounded memory: what `udi-native embed` runs. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { type ImageSource, openImageSource } from "../dataset/image-source.js";
import { RunError, StorageError, UdiError } from "../errors.js";
import { type Feature, featureWidth } from "../native/encoder.js";
import type { NetworkName } from "../native/weights.js";
import type { SkippedFile } from "../views/evaluation-batches.js";
import { encoderEmbedder } from "./embedder.js";
import { type FeatureBatch, type FeatureRequest, featureBatches, unreadable } from "./features.js";
import { type CheckpointEncoderOptions, openCheckpointEncoder } from "./open-encoder.js";
import { type Column, checkRowFile, openRowFile, type Rows } from "./rows/row-file.js";
import { evaluationSize, type ViewSize } from "./view-size.js";
import { viewWorkers } from "./view-workers.js";

export interface EmbedFolderOptions extends CheckpointEncoderOptions {
  /** Folder of images, with or without class folders. */
  readonly images: string;
  /** File that ends in .parquet, .safetensors or .npy. */
  readonly out: string;
  /** Default `cls`. */
  readonly features?: readonly Feature[] | undefined;
  /** Side of the centre crop in pixels; default: that of the images for which the checkpoint stores positions. */
  readonly size?: number | undefined;
  /** Length in pixels to which the shorter side is resized before; default: 256/224 of the crop. */
  readonly resizeTo?: number | undefined;
  /** Images of a batch; default 64. */
  readonly batchSize?: number | undefined;
  /** Images decoded at once; default "auto". */
  readonly workers?: number | "auto" | undefined;
  /** What becomes of an earlier file: default "refuse". */
  readonly existing?: "refuse" | "replace" | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

export interface EmbeddedFolder {
  /** The features first. */
  readonly files: readonly string[];
  readonly rows: number;
  readonly features: readonly Column[];
  readonly network: NetworkName;
  readonly size: ViewSize;
  /** Files that could not be decoded and have no row. */
  readonly skipped: readonly SkippedFile[];
  readonly remarks: readonly string[];
}

/** The files are there whole or not at all. Throws DataError, RunError, ArgumentError or StorageError. */
export async function embedFolder(options: EmbedFolderOptions): Promise<EmbeddedFolder> {
  const out = resolve(options.out);
  if (existsSync(out) && options.existing !== "replace") {
    throw new RunError(`out: expected no file of that name, found ${out}`, { hint: "--force replaces it" });
  }
  const names = options.features ?? ["cls"];
  checkRowFile({ out, columns: names.map((feature) => ({ feature, width: 0 })) });
  const source = await openImageSource(options.images, "auto");
  const opened = await openCheckpointEncoder(options);
  await using encoder = opened.encoder;
  const size = evaluationSize(options, encoder.model);
  const columns = names.map((feature) => ({ feature, width: featureWidth(feature, encoder.model) }));
  const request: FeatureRequest = {
    source,
    size,
    batchSize: options.batchSize ?? 64,
    workers: await viewWorkers(options.workers, opened.options.device),
    embedder: encoderEmbedder(encoder, names, size.crop),
    signal: options.signal,
    onProgress: (done) => options.onProgress?.(done, source.count),
  };
  const written = await write(request, { out, columns });
  return { ...written, features: columns, network: opened.network, size, remarks: opened.remarks };
}

async function write(
  request: FeatureRequest,
  { out, columns }: { readonly out: string; readonly columns: readonly Column[] },
): Promise<Pick<EmbeddedFolder, "files" | "rows" | "skipped">> {
  const { source } = request;
  const file = await stored(out, async () => {
    await mkdir(dirname(out), { recursive: true });
    return openRowFile({ out, columns, classes: source.classes });
  });
  const skipped: SkippedFile[] = [];
  let rows = 0;
  try {
    for await (const batch of featureBatches(request)) {
      skipped.push(...batch.skipped);
      if (batch.samples.length > 0) await stored(out, () => file.add(rowsOf(source, batch)));
      rows += batch.samples.length;
    }
    if (rows === 0) throw unreadable(source, skipped);
    await stored(out, () => file.finish());
  } catch (error) {
    await file.discard();
    throw error;
  }
  return { files: file.files, rows, skipped };
}

function rowsOf(source: ImageSource, { samples, features }: FeatureBatch): Rows {
  const classes = samples.map((sample) => source.label(sample));
  const labels = classes.map((label) => source.classes[label] ?? null);
  return { paths: samples.map((sample) => source.name(sample)), labels, classes, features };
}

async function stored<T>(out: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (error instanceof UdiError || !(error instanceof Error)) throw error;
    throw new StorageError(`${out} cannot be written: ${error.message}`, { cause: error });
  }
}
