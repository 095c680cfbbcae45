import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { UNTRAINED_SEED } from "../../../ts/evaluate/baselines/baseline.js";
import { untrainedWeights } from "../../../ts/evaluate/baselines/untrained-weights.js";
import { openEncoder } from "../../../ts/native/encoder.js";
import { openEngine } from "../../../ts/native/engine.js";
import { openCheckpoint } from "../../../ts/weights/open-checkpoint.js";
import { sharedFolder } from "../../end-to-end/photos.js";
import { noise, OPTIONS } from "../../native/small-engine.js";

const folder = sharedFolder();

async function features(file: string): Promise<Float32Array> {
  const place = { network: "teacher", heads: 2, device: "cpu", precision: "fp32", threads: 1 } as const;
  await using encoder = await openEncoder({ file, ...place });
  const pixels = noise(2 * 3 * 16 * 16, 5);
  const { cls } = await encoder.features({ images: 2, height: 16, width: 16, pixels }, ["cls"]);
  return cls;
}

test("the backbone is that of a new run of the seed, whatever head the run has", async () => {
  const run = join(folder, "run.safetensors");
  await using engine = await openEngine({ ...OPTIONS, seed: UNTRAINED_SEED });
  await engine.save(run);
  await using fresh = await untrainedWeights((await openCheckpoint(run, { heads: 2 })).model, null);
  expect(await features(fresh.file)).toEqual(await features(run));
});

test.each([
  ["one class token", { classTokens: 1 }],
  ["an MLP of another width", { mlpRatio: 3.5 }],
  ["larger images", { imageSize: 32 }],
] as const)("a backbone with %s has weights too", async (_, changed) => {
  await using fresh = await untrainedWeights({ ...OPTIONS.model, ...changed }, null);
  expect((await openCheckpoint(fresh.file, { heads: 2 })).model).toMatchObject({ width: 16, ...changed });
});

test("weights in a folder stay and are taken again; temporary ones go", async () => {
  const kept = await untrainedWeights(OPTIONS.model, folder);
  const [bytes, { mtimeMs }] = [readFileSync(kept.file), statSync(kept.file)];
  await kept[Symbol.asyncDispose]();
  await using again = await untrainedWeights(OPTIONS.model, folder);
  expect([again.file, statSync(again.file).mtimeMs]).toEqual([kept.file, mtimeMs]);
  const temporary = await untrainedWeights(OPTIONS.model, null);
  expect(readFileSync(temporary.file)).toEqual(bytes);
  await temporary[Symbol.asyncDispose]();
  expect(existsSync(temporary.file)).toBe(false);
});
