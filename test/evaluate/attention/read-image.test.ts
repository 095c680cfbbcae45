import { join } from "node:path";
import { expect, test } from "vitest";
import { DataError } from "../../../ts/errors.js";
import { batchOf } from "../../../ts/evaluate/attention/prepared-image.js";
import {
  classAttention,
  patchFeatures,
  readImage,
  relativeAttention,
} from "../../../ts/evaluate/attention/read-image.js";
import { type Encoder, openEncoder } from "../../../ts/native/encoder.js";
import { goldenFolder, goldenJson } from "../../golden/golden-folder.js";
import { temporaryFolder } from "../../native/fake-libtorch.js";
import { readTensors, writeTensors } from "../../safetensors-file.js";

const { heads } = goldenJson<{ heads: number }>("encoder/case.json");
const [ROWS, COLUMNS] = [5, 7];

/** The small backbone of the golden values: patches of 8 pixels, two class tokens. */
function goldenEncoder(): Promise<Encoder> {
  const file = join(temporaryFolder(), "encoder.safetensors");
  const tensors = Object.entries(readTensors(join(goldenFolder, "encoder", "tensors.safetensors")));
  const parameters = tensors.filter(([name]) => name.startsWith("parameter."));
  writeTensors(file, Object.fromEntries(parameters.map(([name, tensor]) => [name.slice(10), tensor])));
  return openEncoder({ file, network: "backbone", heads, device: "cpu", precision: "fp32", threads: 1 });
}

const picture = {
  height: 8 * ROWS,
  width: 8 * COLUMNS,
  pixels: Uint8Array.from({ length: 3 * 64 * ROWS * COLUMNS }, (_, at) => (at * 37 + (at >> 5)) % 256),
};

test("each class token has its row of each head's attention, without the columns of the class tokens", async () => {
  await using encoder = await goldenEncoder();
  const { values, tokens } = await encoder.attention(batchOf(picture), "all");
  const queries = await classAttention(picture, encoder);
  expect(queries.map(({ query, heads }) => [query, heads.length])).toEqual([
    ["cls", heads],
    ["cls+", heads],
  ]);
  for (const [query, { heads: maps }] of queries.entries()) {
    for (const [head, map] of maps.entries()) {
      expect([map.rows, map.columns, map.values.length]).toEqual([ROWS, COLUMNS, tokens - 2]);
      const start = (head * tokens + query) * tokens + 2;
      for (const [at, value] of map.values.entries())
        expect(value).toBeCloseTo(values[start + at] as number, 6);
    }
  }
});

test("patch features average to the pooled patches", async () => {
  await using encoder = await goldenEncoder();
  const { width, values } = await patchFeatures(picture, encoder);
  expect(values.length).toBe(ROWS * COLUMNS * width);
  const { patches } = await encoder.features(batchOf(picture), ["patches"]);
  const first = values.filter((_, at) => at % width === 0);
  expect(first.reduce((sum, value) => sum + value, 0) / first.length).toBeCloseTo(patches[0] as number, 5);
});

test("a file that is no image is an error to be told, not thrown", async () => {
  await using encoder = await goldenEncoder();
  const outcome = await readImage(import.meta.filename, { kind: "as-is" }, encoder);
  expect(outcome).toBeInstanceOf(DataError);
});

test("attention is compared with that of the average patch", () => {
  const map = (...values: number[]) => ({ rows: 1, columns: 2, values: Float32Array.from(values) });
  const relative = relativeAttention([{ query: "cls", heads: [map(0.1, 0.2), map(0.2, 0.7)] }]);
  expect(relative[0]).toBeCloseTo(0.5, 6);
  expect(relative[1]).toBeCloseTo(1.5, 6);
});
