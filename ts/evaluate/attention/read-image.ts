/** An image file as the network gets it, and what the network makes of it. */
import { DataError } from "../../errors.js";
import type { Encoder } from "../../native/encoder.js";
import type { Picture, QueryAttention } from "../../picture/attended-image.js";
import type { Patches } from "../../picture/patch-colours.js";
import { queryAttention } from "../../picture/query-attention.js";
import { decodeImage } from "../../views/decode.js";
import { batchOf, preparedImage, type SizeChoice } from "./prepared-image.js";

/** Returns the DataError of an image that cannot be used: a folder has others. */
export async function readImage(
  file: string,
  size: SizeChoice,
  { model }: Encoder,
): Promise<Picture | DataError> {
  try {
    using image = await decodeImage(file);
    return await preparedImage(file, image, size, model.patchSize);
  } catch (error) {
    if (error instanceof DataError) return error;
    throw error;
  }
}

/** Attention of each class token in the last block, by heads, on the patches only; not scaled to a sum of 1. */
export async function classAttention(picture: Picture, encoder: Encoder): Promise<readonly QueryAttention[]> {
  return queryAttention(await encoder.attention(batchOf(picture)), 0);
}

/** Patch tokens after the final norm. */
export async function patchFeatures(picture: Picture, encoder: Encoder): Promise<Omit<Patches, "attention">> {
  const { width, classTokens } = encoder.model;
  const [tokens] = (await encoder.layers(batchOf(picture), 1)) as [Float32Array];
  return { width, values: tokens.subarray(classTokens * width) };
}

/** Mean over the heads of the first class token's attention; 1: the average patch of the image. */
export function relativeAttention([first]: readonly QueryAttention[]): Float32Array {
  const heads = first?.heads ?? [];
  const sums = new Float32Array(heads[0]?.values.length ?? 0);
  for (const { values } of heads)
    for (const [at, value] of values.entries()) sums[at] = (sums[at] ?? 0) + value;
  const mean = sums.reduce((sum, value) => sum + value, 0) / sums.length;
  return sums.map((sum) => sum / mean);
}
