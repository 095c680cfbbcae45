import fc from "fast-check";
import { expect, test } from "vitest";
import { loadConfig } from "../../ts/config/load.js";
import { ARCHITECTURES } from "../../ts/config/presets.js";
import { resolveConfig } from "../../ts/config/resolve.js";
import type { RunFacts } from "../../ts/config/resolved.js";
import { configYaml, writtenConfig } from "../../ts/config/written.js";
import type { NativeOptions } from "../../ts/native/types.js";
import type { MultiCropOptions } from "../../ts/recipe/multi-crop.js";
import { PHOTOMETRIC_DEFAULTS } from "../../ts/recipe/photometric.js";
import { configFile } from "./config-folder.js";
import { CPU_MACHINE, GPU_MACHINE } from "./facts.js";

const facts: fc.Arbitrary<RunFacts> = fc.record({
  samples: fc.integer({ min: 128, max: 2_000_000 }),
  dataKind: fc.constantFrom("class-folders", "flat-folder", "list", "shards"),
  labelled: fc.boolean(),
  cores: fc.integer({ min: 1, max: 256 }),
  cudaDevices: fc.integer({ min: 0, max: 8 }),
  cudaBf16: fc.boolean(),
  cpuBf16: fc.boolean(),
});

test("nothing is auto any more, and each choice has its value and reason", () => {
  fc.assert(
    fc.property(facts, fc.constantFrom("images", undefined), (machine, data) => {
      const { reasons, ...resolved } = resolveConfig(loadConfig({ file: "defaults", data }), machine);
      expect(JSON.stringify(resolved)).not.toContain('"auto"');
      expect(Object.keys(reasons).sort()).toEqual([
        "data.kind",
        "data.workers",
        "device",
        "evaluate.knn.cropSize",
        "evaluate.knn.resizeTo",
        "evaluate.pictures.everyEpochs",
        "evaluate.watch.images",
        "model.classTokens",
        "model.depth",
        "model.heads",
        "model.mlpRatio",
        "model.srsHeads",
        "model.width",
        "precision",
        "threads",
      ]);
      expect(resolved.threads).toBeGreaterThanOrEqual(1);
      expect(resolved.data.workers).toBeGreaterThanOrEqual(1);
    }),
    { numRuns: 50 },
  );
});

test("the same configuration and facts give the same result, and stay as they are", () => {
  const config = loadConfig({});
  const before = structuredClone(config);
  expect(resolveConfig(config, GPU_MACHINE)).toEqual(resolveConfig(config, GPU_MACHINE));
  expect(config).toEqual(before);
});

test("a CPU computes in fp32, a GPU in bf16 where it can, else in fp16", () => {
  const resolved = (machine: RunFacts) => resolveConfig(loadConfig({}), machine);
  expect(resolved(CPU_MACHINE)).toMatchObject({ device: "cpu", precision: "fp32", threads: 2 });
  expect(resolved(GPU_MACHINE)).toMatchObject({ device: "cuda", precision: "bf16", threads: 4 });
  expect(resolved({ ...GPU_MACHINE, cudaBf16: false }).precision).toBe("fp16");
  expect(resolved(CPU_MACHINE).reasons.device).toBe("cpu: no CUDA device was found");
  expect(resolved(GPU_MACHINE).reasons.precision).toBe("bf16: the CUDA device computes in it");
});

test("device cpu on a GPU machine computes in fp32", () => {
  const config = loadConfig({ set: ["device=cpu"] });
  expect(resolveConfig(config, GPU_MACHINE)).toMatchObject({ device: "cpu", precision: "fp32", threads: 16 });
});

test("the kind of the data is what was found", () => {
  const kind = (data: string | undefined, dataKind: RunFacts["dataKind"]) =>
    resolveConfig(loadConfig({ data }), { ...CPU_MACHINE, dataKind }).data.kind;
  expect(kind(undefined, "class-folders")).toBe("quickstart");
  expect(kind("images", "class-folders")).toBe("class-folders");
  expect(kind("images", "flat-folder")).toBe("flat-folder");
  expect(kind("images.csv", "list")).toBe("list");
});

test("a named architecture gives the published shape", () => {
  const shapes = ARCHITECTURES.map((arch) => {
    const { model } = resolveConfig(
      loadConfig({ file: "defaults", set: [`model.arch=${arch}`] }),
      CPU_MACHINE,
    );
    return [model.arch, model.width, model.depth, model.heads, model.mlpRatio, model.srsHeads];
  });
  expect(shapes).toEqual([
    ["vit_tiny", 192, 12, 3, 4, 3],
    ["vit_small", 384, 12, 6, 4, 6],
    ["vit_base", 768, 12, 12, 4, 12],
    ["vit_large", 1024, 24, 16, 4, 16],
  ]);
});

test("given keys override the architecture's", () => {
  const set = ["model.arch=vit_base", "model.depth=2", "model.heads=8", "model.srsHeads=6"];
  const { model, reasons } = resolveConfig(loadConfig({ file: "defaults", set }), CPU_MACHINE);
  expect(model).toMatchObject({ width: 768, depth: 2, heads: 8, srsHeads: 6 });
  expect(reasons["model.width"]).toBe("768: vit_base");
  expect(reasons).not.toHaveProperty("model.depth");
});

test("without patches there is one class token", () => {
  const { model, crops } = resolveConfig(loadConfig({ set: ["model.includePatch=false"] }), CPU_MACHINE);
  expect(model).toMatchObject({ classTokens: 1, includePatch: false });
  expect(crops.includePatch).toBe(false);
});

test("the resolved configuration is what the engine and the recipe take, in the published numbers", () => {
  const resolved = resolveConfig(loadConfig({ file: "defaults" }), CPU_MACHINE);
  const native: NativeOptions = resolved;
  const crops: MultiCropOptions = resolved.crops;
  expect(native.model).toMatchObject({ imageSize: 224, patchSize: 16, classTokens: 2, includePatch: true });
  expect(crops).toMatchObject({ patchSize: 16, localCrops: 10, includePatch: true });
  expect(crops.photometric).toEqual(PHOTOMETRIC_DEFAULTS);
});

test("k-NN takes the published 256 and 224, and the same proportion of other sizes", () => {
  const sizes = (file: string) => resolveConfig(loadConfig({ file }), CPU_MACHINE).evaluate.knn;
  expect(sizes("defaults")).toMatchObject({ resizeTo: 256, cropSize: 224 });
  const { resizeTo, cropSize } = sizes("quickstart");
  expect(resizeTo / cropSize).toBeCloseTo(256 / 224, 1);
});

test("the written configuration runs the same on another machine, and tells why", () => {
  fc.assert(
    fc.property(facts, fc.constantFrom("images", undefined), (machine, data) => {
      const first = resolveConfig(loadConfig({ data }), machine);
      const again = loadConfig({ file: configFile(configYaml(first)) });
      expect(again).toEqual(writtenConfig(first));
      const elsewhere = { ...machine, cores: machine.cores + 5, labelled: !machine.labelled };
      expect(resolveConfig(again, elsewhere)).toEqual({ ...first, reasons: {} });
    }),
    { numRuns: 30 },
  );
  const text = configYaml(resolveConfig(loadConfig({}), CPU_MACHINE));
  expect(text).toContain("device: cpu # auto: cpu: no CUDA device was found\n");
});
