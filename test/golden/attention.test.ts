/** Replays the golden thresholding of attention: the largest values that hold 60 % of the sum. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { massMask } from "../../ts/picture/mass-mask.js";
import { readTensors, type Tensor } from "../safetensors-file.js";
import { goldenFolder } from "./golden-folder.js";

const file = join(goldenFolder, "attention", "threshold.safetensors");

/** The booleans of the file, which are its last tensor. */
function expectedMask(length: number): number[] {
  return [...readFileSync(file).subarray(-length)];
}

test("attention is thresholded as the public program does", () => {
  const { shape, values } = readTensors(file).attention as Tensor;
  const [heads, patches] = shape as [number, number];
  const masks = Array.from({ length: heads }, (_, head) => {
    const map = { rows: 6, columns: 8, values: values.slice(head * patches, (head + 1) * patches) };
    return [...massMask(map, 0.6).values];
  });
  expect(masks.flat()).toEqual(expectedMask(heads * patches));
});
