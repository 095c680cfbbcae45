/** Features kept on the disk, by what they were computed from: weights, images, preprocessing, feature. */
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../dataset/cache-folder.js";
import type { EncoderOptions, Feature } from "../native/encoder.js";
import { fileHash } from "../run/checkpoint-record.js";
import type { SkippedFile } from "../views/evaluation-batches.js";
import { type FeatureRequest, type FeatureRows, type FeatureTable, sourceFeatures } from "./features.js";
import { sourceDigest } from "./source-digest.js";
import { arrayPieces, readAll, readTensorHeader, writeTensorFile } from "./tensor-file.js";

/** Changes when the same inputs would give other features. */
const FORMAT = 1;

export interface FeatureCache {
  /** Those of the disk where all of them are there and whole; else they are computed and written. */
  features(request: FeatureRequest, names: readonly Feature[]): Promise<FeatureTable>;
}

export interface FeatureCacheOptions {
  /** Default: `udi-native/features` of the cache folder. */
  readonly folder?: string | undefined;
  /** What computes the features: a network, or pixels are taken as they are. */
  readonly computedBy: EncoderOptions | "pixels";
  /** Told where features come from the disk, and where they could not be kept. */
  readonly say?: ((line: string) => void) | undefined;
}

/** One file of the cache. */
interface Entry extends FeatureRows {
  readonly samples: readonly number[];
  readonly skipped: readonly SkippedFile[];
}

export function featureCacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return join(cacheFolder(env), "features");
}

/** Reads all of the weights once, to know them by their SHA-256. */
export async function openFeatureCache(options: FeatureCacheOptions): Promise<FeatureCache> {
  const { folder = featureCacheFolder(), computedBy, say = () => {} } = options;
  const weights = computedBy === "pixels" ? computedBy : await weightsOf(computedBy);
  return {
    async features(request, names) {
      const { source, size } = request;
      const images = await sourceDigest(source);
      const files = names.map((feature) =>
        join(folder, `${keyOf({ weights, images, size, feature })}.safetensors`),
      );
      const kept = await readEntries(files);
      if (kept !== null) {
        say(`features of ${source.root}: ${kept.samples.length} taken from ${folder}`);
        request.onProgress?.(source.count);
        return kept;
      }
      const table = await sourceFeatures(request);
      await keep(table, files).catch((error) => say(`features are not kept in ${folder}: ${error.message}`));
      return table;
    },
  };
}

async function weightsOf({ file, network, heads, precision, device }: EncoderOptions) {
  const sha256 = await fileHash(file);
  return { sha256, network, heads, precision, device: device.replace(/:.*/, "") };
}

function keyOf(inputs: object): string {
  return createHash("sha256")
    .update(JSON.stringify({ format: FORMAT, ...inputs }))
    .digest("hex");
}

async function keep(table: FeatureTable, files: readonly string[]): Promise<void> {
  for (const [at, { rows, width }] of table.features.entries()) {
    const samples = Int32Array.from(table.samples);
    const metadata = { sha256: digest(rows, samples), skipped: JSON.stringify(table.skipped) };
    const parts = {
      samples: { dtype: "I32", shape: [samples.length], pieces: arrayPieces(samples) },
      rows: { dtype: "F32", shape: [samples.length, width], pieces: arrayPieces(rows) },
    } as const;
    await writeTensorFile(files[at] as string, parts, metadata);
  }
}

/** Null: one of them is missing or damaged, or they are not of the same images. */
async function readEntries(files: readonly string[]): Promise<FeatureTable | null> {
  const entries: Entry[] = [];
  for (const file of files) {
    const entry = await readEntry(file).catch(() => null); // whatever is wrong with it, it is computed again
    if (entry === null) return null;
    entries.push(entry);
  }
  const [first] = entries;
  if (first === undefined) return null;
  const same = entries.every(({ samples }) => samples.length === first.samples.length);
  return same ? { features: entries, samples: first.samples, skipped: first.skipped } : null;
}

async function readEntry(file: string): Promise<Entry | null> {
  await using handle = await open(file, "r");
  const { tensors, metadata, bytes } = await readTensorHeader(handle);
  const { samples: of, rows: at } = tensors;
  const [count = 0, width = 0] = at?.shape ?? [];
  if (of === undefined || at === undefined || (await handle.stat()).size !== bytes) return null;
  const [samples, rows] = [new Int32Array(count), new Float32Array(count * width)];
  await readAll(handle, new Uint8Array(samples.buffer), of.start);
  await readAll(handle, new Uint8Array(rows.buffer), at.start);
  if (metadata.sha256 !== digest(rows, samples)) return null;
  return { rows, width, samples: Array.from(samples), skipped: JSON.parse(metadata.skipped ?? "[]") };
}

function digest(rows: Float32Array, samples: Int32Array): string {
  const hash = createHash("sha256");
  for (const array of [samples, rows]) for (const piece of arrayPieces(array)) hash.update(piece);
  return hash.digest("hex");
}
