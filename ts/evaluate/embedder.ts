/** Features of rendered images: what k-NN, the cache and `embed` ask for, whoever computes them. */
import { ArgumentError } from "../errors.js";
import { type Encoder, type Feature, featureWidth } from "../native/encoder.js";
import type { Native } from "../native/engine.js";

export interface Embedder {
  /** Names of the features, in the order of the arrays. */
  readonly features: readonly Feature[];
  /** Square images `[images, 3, side, side]` of bytes to one array `[images, width]` for each feature. */
  embed(images: number, pixels: Uint8Array): Promise<readonly Float32Array[]>;
}

/** Throws ArgumentError where the model has no such feature, or the images hold no patch. */
export function encoderEmbedder(encoder: Encoder, features: readonly Feature[], side: number): Embedder {
  if (features.length === 0) throw new ArgumentError("feature: expected at least one, received none");
  for (const feature of features) featureWidth(feature, encoder.model);
  const { patchSize } = encoder.model;
  if (!Number.isInteger(side) || side < patchSize) {
    throw new ArgumentError(`size: expected at least one patch of ${patchSize} pixels, received ${side}`, {
      hint: "give a larger --size",
    });
  }
  return {
    features,
    async embed(images, pixels) {
      const taken = await encoder.features({ images, height: side, width: side, pixels }, features);
      return features.map((feature) => taken[feature]);
    },
  };
}

/** `cls` of a network that is being trained. */
export function engineEmbedder(native: Native, network: "teacher" | "student", side: number): Embedder {
  return {
    features: ["cls"],
    embed: async (images, pixels) => [await native.embed({ images, size: side, pixels }, network)],
  };
}
