import { expect, test } from "vitest";
import { ConfigError } from "../../ts/errors.js";
import { type OpenNativeOptions, openNative, settleOptions } from "../../ts/native/open-native.js";

const cpu = { cudaDevices: [], cores: 6, bf16: true, avx512: true, torchVersion: "2.11.0" };
const card = { index: 0, name: "GPU", memoryBytes: 8e10, computeCapability: "9.0" };
const oldCard = { ...card, computeCapability: "7.5" };

test("the name of an architecture is enough", () => {
  expect(settleOptions({ model: "vit_small" }, cpu)).toMatchObject({
    model: { width: 384, depth: 12, heads: 6, srsHeads: 6, classTokens: 2, imageSize: 224, patchSize: 16 },
    objective: { alpha: 0.5 },
    optimizer: { name: "adamw" },
    device: "cpu",
    precision: "fp32",
    seed: 0,
    threads: 6,
  });
});

test("keys that are given go before the defaults, those that are undefined do not", () => {
  const options = {
    model: { arch: "vit_tiny", depth: 3, imageSize: 96, head: { prototypes: 128 } },
    objective: { alpha: 0.25 },
    threads: 1,
  } as const;
  const settled = settleOptions({ ...options, seed: undefined } as unknown as OpenNativeOptions, cpu);
  expect(settled).toMatchObject({
    model: { width: 192, depth: 3, imageSize: 96, head: { prototypes: 128, bottleneckWidth: 256 } },
    objective: { alpha: 0.25, studentTemperature: 0.1 },
    seed: 0,
    threads: 1,
  });
});

test("auto takes the GPU that is there, in an arithmetic that it has", () => {
  const choice = (...cudaDevices: (typeof card)[]) => {
    const { device, precision } = settleOptions(
      { model: "vit_small", device: "auto", precision: "auto" },
      { ...cpu, cudaDevices },
    );
    return [device, precision];
  };
  expect(choice(card)).toEqual(["cuda", "bf16"]);
  expect(choice(oldCard)).toEqual(["cuda", "fp16"]);
});

test.each<[string, object, RegExp]>([
  ["an unknown key", { model: { arch: "vit_tiny", dept: 3 } }, /^model\.dept: unknown key; .*model\.depth/],
  ["an unknown architecture", { model: "vit_giant" }, /^model\.arch: expected one of vit_tiny/],
  ["a value out of range", { model: "vit_tiny", objective: { alpha: 2 } }, /^objective\.alpha: expected/],
  ["an unknown option", { model: "vit_tiny", sed: 1 }, /^sed: unknown key; .*seed/],
])("%s is named", (_, options, message) => {
  const settle = () => settleOptions(options as OpenNativeOptions, cpu);
  expect(settle).toThrow(ConfigError);
  expect(settle).toThrow(message);
});

test("what it opens makes a step on arrays of a program's own, and is closed at the end of the block", async () => {
  const model = { width: 24, depth: 1, heads: 2, patchSize: 8, imageSize: 32, includePatch: false } as const;
  const head = { prototypes: 32, hiddenWidth: 24, bottleneckWidth: 8 };
  let escaped: Awaited<ReturnType<typeof openNative>>;
  {
    await using native = await openNative({ model: { ...model, head }, device: "cpu", threads: 1 });
    escaped = native;
    const batch = {
      images: 2,
      globalSize: 32,
      localCrops: 1,
      localSize: 16,
      globalViews: new Uint8Array(2 * 2 * 3 * 32 * 32).fill(100),
      localViews: new Uint8Array(1 * 2 * 3 * 16 * 16).fill(50),
      maps: null,
    };
    const at = { learningRate: 1e-3, weightDecay: 0.04, momentum: 0.99, teacherTemperature: 0.04 };
    const report = await native.stepUdi(batch, { ...at, freezeLastLayer: false });
    expect(report).toMatchObject({ step: 1, levels: { cls: report.loss } });
    expect(Number.isFinite(report.loss)).toBe(true);
  }
  await expect(escaped.save("/tmp/never")).rejects.toThrow(/closed/);
});
