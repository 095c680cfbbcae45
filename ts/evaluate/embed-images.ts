/** Features of images at hand, for programs. */
import { ArgumentError } from "../errors.js";
import { type Encoder, type Feature, featureWidth } from "../native/encoder.js";
import { renderEvaluationViews } from "../native/engine.js";
import type { DecodedImage } from "../native/types.js";
import { decodeImage } from "../views/decode.js";
import { encoderEmbedder } from "./embedder.js";
import { type CheckpointEncoderOptions, openCheckpointEncoder } from "./open-encoder.js";
import { evaluationSize } from "./view-size.js";

export interface EmbedOptions extends Partial<CheckpointEncoderOptions> {
  /** An open encoder, which stays open; else `checkpoint` is opened for this call. */
  readonly encoder?: Encoder | undefined;
  /** Default `cls`. */
  readonly feature?: Feature | undefined;
  /** Side of the centre crop in pixels; default: that of the images for which positions are stored. */
  readonly size?: number | undefined;
  /** Length in pixels to which the shorter side is resized before; default: 256/224 of the crop. */
  readonly resizeTo?: number | undefined;
  /** Images of a pass; default 64. */
  readonly batchSize?: number | undefined;
}

export interface Embedding {
  /** `[images, width]`, in the order of the images, as the network gives them. */
  readonly values: Float32Array;
  readonly width: number;
}

/**
 * Features of files or decoded images, resized and cropped as for evaluation. Throws DataError where a file cannot be
 * decoded, RunError where the checkpoint cannot be used.
 */
export async function embed(
  images: readonly (string | DecodedImage)[],
  options: EmbedOptions,
): Promise<Embedding> {
  if (options.encoder !== undefined) return embedWith(options.encoder, images, options);
  const { checkpoint } = options;
  if (checkpoint === undefined) {
    throw new ArgumentError("embed: expected a checkpoint or an open encoder, received neither");
  }
  const opened = await openCheckpointEncoder({ ...options, checkpoint });
  await using encoder = opened.encoder;
  return await embedWith(encoder, images, options); // the encoder is closed on the way out
}

async function embedWith(
  encoder: Encoder,
  images: readonly (string | DecodedImage)[],
  { feature = "cls", batchSize = 64, ...sides }: EmbedOptions,
): Promise<Embedding> {
  const size = evaluationSize(sides, encoder.model);
  const embedder = encoderEmbedder(encoder, [feature], size.crop);
  const width = featureWidth(feature, encoder.model);
  const values = new Float32Array(images.length * width);
  for (let start = 0; start < images.length; start += batchSize) {
    const part = images.slice(start, start + batchSize);
    const decoded = await Promise.all(part.map(decodedImage));
    const pixels = await renderEvaluationViews(decoded, size);
    const [rows] = await embedder.embed(part.length, pixels);
    values.set(rows as Float32Array, start * width);
  }
  return { values, width };
}

async function decodedImage(image: string | DecodedImage): Promise<DecodedImage> {
  return typeof image === "string" ? decodeImage(image) : image;
}
