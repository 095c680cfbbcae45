import { expect, test } from "vitest";
import { queryAttention } from "../../ts/picture/query-attention.js";

/** Two images, two heads, two class tokens, a grid of one row and three columns: each value names its place. */
const MAPS = {
  heads: 2,
  queries: 2,
  tokens: 5,
  rows: 1,
  columns: 3,
  values: Float32Array.from({ length: 2 * 2 * 2 * 5 }, (_, at) => at),
};

test("an image of a batch has its own maps, without the columns of the class tokens", () => {
  expect(queryAttention(MAPS, 1)).toEqual([
    {
      query: "cls",
      heads: [
        { rows: 1, columns: 3, values: Float32Array.of(22, 23, 24) },
        { rows: 1, columns: 3, values: Float32Array.of(32, 33, 34) },
      ],
    },
    {
      query: "cls+",
      heads: [
        { rows: 1, columns: 3, values: Float32Array.of(27, 28, 29) },
        { rows: 1, columns: 3, values: Float32Array.of(37, 38, 39) },
      ],
    },
  ]);
});

test("a model of one class token has one query", () => {
  const one = { ...MAPS, queries: 1, tokens: 4, values: MAPS.values.slice(0, 16) };
  expect(queryAttention(one, 0).map(({ query }) => query)).toEqual(["cls"]);
});
