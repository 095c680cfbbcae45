import { expect, test } from "vitest";
import type { DecodedImage } from "../../ts/native/types.js";
import { type EvaluationBatch, evaluationBatches } from "../../ts/views/evaluation-batches.js";
import { imageFolder } from "./image-folder.js";

/** One byte for each image: its first. */
async function render(images: readonly DecodedImage[]): Promise<Uint8Array> {
  return Uint8Array.from(images, ({ pixels }) => pixels[0] as number);
}

const SIZE = { resizeTo: 16, crop: 16 };
const LIMITS = { maxPixels: 1e6, decodedBytes: 1e6 };

test("images come in order, and those that cannot be decoded are left out and named", async () => {
  const damaged = [0, 3, 4, 5];
  const source = await imageFolder({ images: 8, damaged });
  const batches: EvaluationBatch[] = [];
  for await (const batch of evaluationBatches({
    source,
    batchSize: 3,
    workers: 2,
    limits: LIMITS,
    size: SIZE,
    render,
  })) {
    batches.push(batch);
  }
  expect(batches.map(({ samples }) => samples)).toEqual([[1, 2], [], [6, 7]]);
  expect(batches.map(({ pixels }) => [...pixels])).toEqual([[7, 14], [], [42, 49]]);
  const skipped = batches.flatMap((batch) => batch.skipped);
  expect(skipped.map(({ file }) => file)).toEqual(damaged.map((number) => source.name(number)));
  expect(skipped[0]?.reason).toMatch(/expected an image/);
});

test("a renderer that fails for the next batch does not take this one", async () => {
  const source = await imageFolder({ images: 4 });
  let calls = 0;
  const failing = async (images: readonly DecodedImage[]) => {
    if (++calls === 3) throw new Error("out of memory");
    return render(images);
  };
  const stream = evaluationBatches({
    source,
    batchSize: 2,
    workers: 2,
    limits: LIMITS,
    size: SIZE,
    render: failing,
  });
  expect((await stream.next()).value.samples).toEqual([0, 1]);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await expect(stream.next()).rejects.toThrow("out of memory");
});
