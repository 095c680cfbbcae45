import { mkdirSync, readdirSync, readFileSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openFeatureCache } from "../../ts/evaluate/feature-cache.js";
import type { FeatureRequest } from "../../ts/evaluate/features.js";
import type { EncoderOptions } from "../../ts/native/encoder.js";
import { temporaryFolder } from "../native/fake-libtorch.js";
import { imageFolder } from "../views/image-folder.js";

/** A cache, a request on five images of which one is damaged, and how often features were computed. */
async function setting() {
  const root = temporaryFolder();
  const weights = join(root, "weights");
  mkdirSync(root, { recursive: true });
  writeFileSync(weights, "weights");
  const place = { network: "teacher", heads: 2, device: "cpu", precision: "fp32", threads: 1 } as const;
  const computedBy: EncoderOptions = { file: weights, ...place };
  const source = await imageFolder({ images: 5, damaged: [3] });
  const counted = { batches: 0 };
  const embedder = {
    async embed(images: number) {
      counted.batches += 1;
      const rows = (width: number) => Float32Array.from({ length: images * width }, (_, at) => at + width);
      return [rows(2), rows(3)];
    },
  };
  const size = { resizeTo: 8, crop: 8 };
  const request: FeatureRequest = { source, size, batchSize: 2, workers: 1, embedder };
  const folder = join(root, "cache");
  const features = async (changed: Partial<FeatureRequest> = {}) => {
    const cache = await openFeatureCache({ folder, computedBy });
    return cache.features({ ...request, ...changed }, ["cls", "patches"]);
  };
  return { features, folder, counted, weights, source };
}

test("what was computed is taken from the disk, the skipped files too", async () => {
  const { features, folder, counted } = await setting();
  const first = await features();
  expect(counted.batches).toBe(3);
  const second = await features();
  expect(counted.batches).toBe(3);
  expect(second.samples).toEqual([0, 1, 2, 4]);
  expect(second.skipped).toEqual(first.skipped);
  expect(second.skipped).toHaveLength(1);
  expect(second.features.map(({ rows }) => [...rows])).toEqual(first.features.map(({ rows }) => [...rows]));
  expect(readdirSync(folder).every((name) => /^[0-9a-f]{64}\.safetensors$/.test(name))).toBe(true);
});

test("other weights, other preprocessing and changed images are computed", async () => {
  const { features, counted, weights, source } = await setting();
  await features();
  await features({ size: { resizeTo: 9, crop: 8 } });
  expect(counted.batches).toBe(6);
  utimesSync(source.name(1), 1, 1);
  await features();
  expect(counted.batches).toBe(9);
  writeFileSync(weights, "others");
  await features();
  expect(counted.batches).toBe(12);
});

test.each(["a bit that flipped", "an end that is missing", "no header"])(
  "an entry with %s is computed again and mended",
  async (damage) => {
    const { features, folder, counted } = await setting();
    const first = await features();
    const [file = ""] = readdirSync(folder).map((name) => join(folder, name));
    const bytes = readFileSync(file);
    if (damage === "an end that is missing") truncateSync(file, bytes.length - 3);
    else if (damage === "no header") writeFileSync(file, "nothing of the kind");
    else {
      bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 1;
      writeFileSync(file, bytes);
    }
    const again = await features();
    expect(counted.batches).toBe(6);
    expect(again.features).toEqual(first.features);
    await features();
    expect(counted.batches).toBe(6);
  },
);
