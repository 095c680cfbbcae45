/** A frozen backbone on a native thread of its own: features, tokens and attention of images. */
import { ArgumentError } from "../errors.js";
import type * as addon from "./addon.js";
import { choice, fileName, list, record, truth, wholeNumber } from "./argument-checks.js";
import { checkDevice, MOST_THREADS } from "./check-options.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import { type AttentionMaps, attentionMaps, checkImages, type ImageBatch } from "./image-batch.js";
import type { Precision } from "./types.js";
import { NETWORKS, type NetworkName } from "./weights.js";

export type { AttentionMaps, ImageBatch, ImageErasure } from "./image-batch.js";

export interface EncoderOptions {
  /** Any file of weights that `openWeights` reads: ours, or of another program. */
  readonly file: string;
  readonly network: NetworkName;
  /** Attention heads of a block, which a file of weights may not say. */
  readonly heads: number;
  /** "cpu", "cuda" or "cuda:1". */
  readonly device: string;
  readonly precision: Precision;
  /** CPU threads of its tensor operations; 0: libtorch's own choice. */
  readonly threads: number;
}

/** The backbone of a file of weights. */
export interface EncoderModel {
  /** Embedding dimension C. */
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** Side of a patch in pixels. */
  readonly patchSize: number;
  /** Side in pixels of the images for which positions are stored; for others they are resampled. */
  readonly imageSize: number;
  /** Class tokens P: 2 (`cls`, `cls+`) or 1. */
  readonly classTokens: number;
}

/** A feature of an image. `cls,cls+`: both, one behind the other. `patches`: mean of the patch tokens. */
export const FEATURES = ["cls", "cls+", "cls,cls+", "patches"] as const;

export type Feature = (typeof FEATURES)[number];

/** Class tokens, and the mean of the patch tokens, after the final norm, of the last blocks. */
export interface PooledTokens {
  /** `[images, blocks, rows, C]`: blocks oldest first; rows are the P class tokens, then the mean where it was asked for. */
  readonly values: Float32Array;
  readonly blocks: number;
  readonly rows: number;
}

/**
 * A frozen backbone. Calls are queued on its thread and made in their order; arrays are copied when a call is made.
 * Every call throws ArgumentError for images that hold no patch.
 */
export interface Encoder extends AsyncDisposable {
  readonly model: EncoderModel;
  /** One array `[images, width of the feature]` for each feature, of one pass. */
  features<const F extends Feature>(
    batch: ImageBatch,
    features: readonly F[],
  ): Promise<Record<F, Float32Array>>;
  /** Of the last `blocks` blocks. `patches`: whether the mean of the patch tokens is wanted too; default true. */
  pooled(
    batch: ImageBatch,
    options: { readonly blocks: number; readonly patches?: boolean },
  ): Promise<PooledTokens>;
  /** Tokens after the final norm of the last `blocks` blocks, oldest first: each `[images, P + N, C]`. */
  layers(batch: ImageBatch, blocks: number): Promise<Float32Array[]>;
  /** Attention of the last block; queries: the class tokens (default) or all tokens. */
  attention(batch: ImageBatch, queries?: "class" | "all"): Promise<AttentionMaps>;
  /** Resolves when all calls made before are done and the memory is free; later calls are refused. */
  close(): Promise<void>;
}

/** Throws RunError where the file is damaged or its weights are not finite, ArgumentError for options that do not fit it. */
export async function openEncoder(options: EncoderOptions): Promise<Encoder> {
  const checked = checkEncoder(options);
  const encoder = await delegate(() => engineAddon().openEncoder(checked));
  return new NativeEncoder(encoder);
}

/** Values of a feature for a model. Throws ArgumentError where it has no such class token. */
export function featureWidth(feature: Feature, { width, classTokens }: EncoderModel): number {
  const tokens = feature === "patches" ? 1 : partsOf(feature).length;
  if (!feature.includes("+") || classTokens > 1) return width * tokens;
  throw new ArgumentError(
    `feature: expected cls or patches, since the model has one class token, received ${feature}`,
  );
}

/** Rows of the pooled tokens that make up a feature; the mean of the patches stands last. */
function partsOf(feature: Feature): readonly number[] {
  return { cls: [0], "cls+": [1], "cls,cls+": [0, 1], patches: [-1] }[feature];
}

class NativeEncoder implements Encoder {
  readonly model: EncoderModel;
  readonly #encoder: addon.Encoder;
  #closing: Promise<void> | undefined;

  constructor(encoder: addon.Encoder) {
    this.#encoder = encoder;
    this.model = { ...encoder.model };
  }

  async features<const F extends Feature>(
    batch: ImageBatch,
    features: readonly F[],
  ): Promise<Record<F, Float32Array>> {
    const wanted = list("features", features, (name, value) => choice(name, value, FEATURES));
    for (const feature of wanted) featureWidth(feature, this.model);
    const pooled = await this.pooled(batch, { blocks: 1, patches: wanted.includes("patches") });
    const { width } = this.model;
    const taken = wanted.map((feature) => [feature, takenRows(pooled, partsOf(feature), width)]);
    return Object.fromEntries(taken) as Record<F, Float32Array>;
  }

  async pooled(
    batch: ImageBatch,
    options: { readonly blocks: number; readonly patches?: boolean },
  ): Promise<PooledTokens> {
    const encoder = this.#open();
    const images = checkImages(batch, this.model);
    const wanted = record("options", options);
    const count = this.#blocks(wanted.blocks);
    const patches = wanted.patches === undefined || truth("patches", wanted.patches);
    const values = await delegate(() => encoder.pooled(images, count, patches));
    return { values, blocks: count, rows: this.model.classTokens + (patches ? 1 : 0) };
  }

  async layers(batch: ImageBatch, blocks: number): Promise<Float32Array[]> {
    const encoder = this.#open();
    const images = checkImages(batch, this.model);
    const count = this.#blocks(blocks);
    return delegate(() => encoder.layers(images, count));
  }

  async attention(batch: ImageBatch, queries: "class" | "all" = "class"): Promise<AttentionMaps> {
    const encoder = this.#open();
    const images = checkImages(batch, this.model);
    const all = choice("queries", queries, ["class", "all"]) === "all";
    const values = await delegate(() => encoder.attention(images, all));
    return attentionMaps(values, images, this.model, queries);
  }

  async close(): Promise<void> {
    this.#closing ??= delegate(() => this.#encoder.close());
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #blocks(value: unknown): number {
    return wholeNumber("blocks", value, 1, this.model.depth);
  }

  #open(): addon.Encoder {
    if (this.#closing === undefined) return this.#encoder;
    throw new ArgumentError("encoder: expected an open encoder, received one that is closed");
  }
}

/** `[images, rows, width]` -> the rows `parts` of each image, one behind the other. */
function takenRows({ values, rows }: PooledTokens, parts: readonly number[], width: number): Float32Array {
  const images = values.length / (rows * width);
  const taken = new Float32Array(images * parts.length * width);
  for (let image = 0; image < images; image++) {
    for (const [place, part] of parts.entries()) {
      const from = (image * rows + (part < 0 ? rows + part : part)) * width;
      taken.set(values.subarray(from, from + width), (image * parts.length + place) * width);
    }
  }
  return taken;
}

function checkEncoder(value: unknown): addon.EncoderOptions {
  const options = record("options", value);
  return {
    file: fileName("file", options.file),
    network: choice("network", options.network, NETWORKS),
    heads: wholeNumber("heads", options.heads, 1),
    device: checkDevice(options.device),
    precision: choice("precision", options.precision, ["fp32", "bf16", "fp16"]),
    threads: wholeNumber("threads", options.threads, 0, MOST_THREADS),
  };
}
