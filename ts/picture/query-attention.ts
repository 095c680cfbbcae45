/** Attention of the class tokens to the patches, as it is drawn. */
import type { AttentionMaps } from "../native/encoder.js";
import type { QueryAttention } from "./attended-image.js";

const QUERY_NAMES = ["cls", "cls+"] as const;

/** Of one image of a batch: for each class token a map for each head, on the patches only; not scaled to a sum of 1. */
export function queryAttention(maps: AttentionMaps, image: number): readonly QueryAttention[] {
  return QUERY_NAMES.slice(0, maps.queries).map((query, at) => ({ query, heads: headsOf(maps, image, at) }));
}

function headsOf(
  { values, heads, queries, tokens, rows, columns }: AttentionMaps,
  image: number,
  query: number,
): QueryAttention["heads"] {
  return Array.from({ length: heads }, (_, head) => {
    const end = ((image * heads + head) * queries + query + 1) * tokens;
    return { rows, columns, values: values.slice(end - rows * columns, end) };
  });
}
