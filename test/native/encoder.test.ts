import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ArgumentError, RunError } from "../../ts/errors.js";
import { type Encoder, type EncoderOptions, openEncoder } from "../../ts/native/encoder.js";
import { type Native, openEngine } from "../../ts/native/engine.js";
import { AT, noise, OPTIONS, smallBatch } from "./small-engine.js";

const folder = mkdtempSync(join(tmpdir(), "udi-encoder-"));
const file = join(folder, "state.safetensors");
const PLACE: EncoderOptions = {
  file,
  network: "teacher",
  heads: 2,
  device: "cpu",
  precision: "fp32",
  threads: 1,
};
const BATCH = { images: 3, height: 16, width: 16, pixels: noise(3 * 3 * 256, 1) };

let native: Native;
let encoder: Encoder;

beforeAll(async () => {
  native = await openEngine(OPTIONS);
  await native.save(file);
  encoder = await openEncoder(PLACE);
});

afterAll(async () => {
  await encoder.close();
  await native.close();
  rmSync(folder, { recursive: true });
});

test("a frozen encoder has the class feature of the network that was saved", async () => {
  const { cls } = await encoder.features(BATCH, ["cls"]);
  const expected = await native.embed({ images: 3, size: 16, pixels: BATCH.pixels });
  expect(encoder.model).toEqual({
    width: 16,
    depth: 2,
    heads: 2,
    patchSize: 4,
    imageSize: 16,
    classTokens: 2,
  });
  expect(cls.length).toBe(expected.length);
  for (const [at, value] of cls.entries()) expect(value).toBeCloseTo(expected[at] as number, 5);
});

test("a network in training has the tokens and the attention of the encoder that is made of it", async () => {
  await using training = await openEngine(OPTIONS);
  await training.stepUdi(smallBatch(), { ...AT, learningRate: 0.05 });
  const state = join(folder, "trained.safetensors");
  await training.save(state);
  const tokens: Float32Array[] = [];
  for (const network of ["teacher", "student"] as const) {
    await using frozen = await openEncoder({ ...PLACE, file: state, network });
    const wide = { images: 2, height: 12, width: 20, pixels: noise(2 * 3 * 240, 4) };
    expect(await training.tokens(wide, network)).toEqual((await frozen.layers(wide, 1))[0]);
    expect(await training.attention(wide, network)).toEqual(await frozen.attention(wide));
    tokens.push(await training.tokens(BATCH, network));
  }
  expect(tokens[0]).not.toEqual(tokens[1]);
  expect(await training.tokens(BATCH)).toEqual(tokens[0]);
});

test("features are rows of the tokens of the last block", async () => {
  const features = await encoder.features(BATCH, ["cls", "cls+", "cls,cls+", "patches"]);
  const [tokens] = await encoder.layers(BATCH, 1);
  const row = (image: number, token: number) =>
    (tokens as Float32Array).subarray((image * 18 + token) * 16, (image * 18 + token + 1) * 16);
  for (let image = 0; image < 3; image++) {
    const own = (values: Float32Array, width: number) => values.subarray(image * width, (image + 1) * width);
    const both = [...row(image, 0), ...row(image, 1)];
    for (const [at, value] of own(features["cls,cls+"], 32).entries()) {
      expect(value).toBeCloseTo(both[at] as number, 5);
    }
    const mean = Array.from({ length: 16 }, (_, at) => {
      const values = Array.from({ length: 16 }, (_, patch) => row(image, 2 + patch)[at] as number);
      return values.reduce((sum, value) => sum + value, 0) / 16;
    });
    for (const [at, value] of own(features.patches, 16).entries()) {
      expect(value).toBeCloseTo(mean[at] as number, 5);
    }
    expect([...own(features.cls, 16), ...own(features["cls+"], 16)]).toEqual([
      ...own(features["cls,cls+"], 32),
    ]);
  }
});

test("images of any size that holds a patch have attention that sums to 1", async () => {
  const batch = { images: 1, height: 4, width: 23, pixels: noise(3 * 4 * 23, 2) };
  const { values, ...shape } = await encoder.attention(batch);
  expect(shape).toEqual({ heads: 2, queries: 2, tokens: 7, rows: 1, columns: 5 });
  for (let row = 0; row < 4; row++) {
    const sum = values.subarray(7 * row, 7 * row + 7).reduce((sum, value) => sum + value, 0);
    expect(sum).toBeCloseTo(1, 5);
  }
  expect((await encoder.attention(batch, "all")).values.length).toBe(2 * 7 * 7);
});

test("calls are queued: all made at once come out as one after the other", async () => {
  const calls = Array.from({ length: 6 }, (_, at) => encoder.pooled(BATCH, { blocks: 1 + (at % 2) }));
  const pooled = await Promise.all(calls);
  expect(pooled.map(({ values }) => values.length)).toEqual([144, 288, 144, 288, 144, 288]);
  expect(pooled[2]).toEqual(pooled[0]);
});

test.each([
  [
    "images smaller than a patch",
    { ...BATCH, width: 3 },
    /^image: expected at least one patch of 4x4 pixels/,
  ],
  ["pixels of another size", { ...BATCH, width: 15 }, /^batch.pixels: expected 2160 values/],
])("%s are refused", async (_, batch, message) => {
  const error = await encoder.layers(batch, 1).catch((reason) => reason);
  expect(error).toBeInstanceOf(ArgumentError);
  expect(error.message).toMatch(message);
});

test("more blocks than there are, heads that do not fit and a closed encoder are refused", async () => {
  await expect(encoder.layers(BATCH, 3)).rejects.toThrow("blocks: expected a whole number from 1 to 2");
  await expect(openEncoder({ ...PLACE, heads: 5 })).rejects.toThrow(
    "model.heads: expected a divisor of the width 16, received 5",
  );
  const closed = await openEncoder(PLACE);
  await closed.close();
  await expect(closed.layers(BATCH, 1)).rejects.toThrow(ArgumentError);
});

test("weights that are not finite are one error that names the parameter", async () => {
  const broken = join(folder, "broken.safetensors");
  writeFileSync(broken, withNan(readFileSync(file), "teacher.backbone.backbone.norm.bias"));
  const error = await openEncoder({ ...PLACE, file: broken }).catch((reason) => reason);
  expect(error).toBeInstanceOf(RunError);
  expect(error.message).toMatch(/expected finite weights, found NaN in backbone\.backbone\.norm\.bias/);
  await (await openEncoder({ ...PLACE, file: broken, network: "student" })).close();
});

/** A safetensors file whose tensor of that name begins with NaN. */
function withNan(bytes: Buffer, name: string): Buffer {
  const length = Number(bytes.readBigUInt64LE());
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString());
  const copy = Buffer.from(bytes);
  copy.writeFloatLE(Number.NaN, 8 + length + header[name].data_offsets[0]);
  return copy;
}

test("an erased box is zeros or noise in normalised pixels, whatever was there", async () => {
  const place = { top: 2, left: 3, height: 9, width: 8 };
  const [mean, deviation] = [
    [0.485, 0.456, 0.406],
    [0.229, 0.224, 0.225],
  ];
  const isInside = (row: number, column: number) => row >= 2 && row < 11 && column >= 3 && column < 11;
  const zeros = Float32Array.from(BATCH.pixels, (byte, at) => {
    const [image, channel] = [Math.floor(at / 768), Math.floor(at / 256) % 3];
    const [row, column] = [Math.floor((at % 256) / 16), at % 16];
    if (image === 1 && isInside(row, column)) return 0;
    return (byte / 255 - (mean[channel] as number)) / (deviation[channel] as number);
  });
  const features = async (batch: Parameters<Encoder["features"]>[0]) =>
    (await encoder.features(batch, ["cls"])).cls;
  const expected = await features({ ...BATCH, pixels: zeros });
  const erased = (mode: "const" | "rand" | "pixel", seed: number) =>
    features({ ...BATCH, erasures: [{ image: 1, place, mode, seed }] });
  for (const [at, value] of (await erased("const", 0)).entries())
    expect(value).toBeCloseTo(expected[at] as number, 4);
  const plain = await features(BATCH);
  for (const mode of ["rand", "pixel"] as const) {
    const first = await erased(mode, 1);
    expect(await erased(mode, 1)).toEqual(first);
    expect(await erased(mode, 2)).not.toEqual(first);
    const others = (values: Float32Array) => [...values.subarray(0, 16), ...values.subarray(32)];
    for (const [at, value] of others(first).entries())
      expect(value).toBeCloseTo(others(plain)[at] as number, 5);
  }
  const outside = { image: 1, place: { ...place, left: 9 }, mode: "const", seed: 0 } as const;
  await expect(features({ ...BATCH, erasures: [outside] })).rejects.toThrow(/a box inside 16x16 pixels/);
  const unknown = { image: 3, place, mode: "const", seed: 0 } as const;
  await expect(features({ ...BATCH, erasures: [unknown] })).rejects.toThrow(/an image below 3/);
});
