import { expect, test } from "vitest";
import { loadConfig } from "../../ts/config/load.js";
import { resolveConfig } from "../../ts/config/resolve.js";
import { configErrorOf, configFile, loadError } from "./config-folder.js";
import { CPU_MACHINE, GPU_MACHINE } from "./facts.js";

test.each([
  [
    ["crops.globalSize=50"],
    "crops.globalSize: expected a multiple of model.patchSize 16, received 50",
    "48 or 64",
  ],
  [["crops.localSize=8"], "crops.localSize: expected a multiple of model.patchSize 16, received 8", "to 16"],
  [
    ["crops.localSize=16", "crops.localWindow=1"],
    "crops.localSize: expected at least 32, two of model.patch",
    "",
  ],
  [
    ["crops.globalWindow=15"],
    "crops.globalWindow: expected at most the side of the crop's token grid, 14 (",
    "",
  ],
  [["crops.localWindow=7"], "crops.localWindow: expected at most the side of the crop's token grid, 6 (", ""],
  [["model.width=100"], "model.heads: expected a divisor of model.width 100, received 6", ""],
  [["model.srsHeads=7"], "model.srsHeads: expected a divisor of model.width 384, received 7", ""],
  [["model.mlpRatio=0.001"], "model.mlpRatio: expected a whole number of hidden units, model.width 384", ""],
  [
    ["model.includePatch=false", "model.classTokens=2"],
    "model.classTokens: expected 1 where model.includePatch is false",
    "set model.classTokens to 1 or auto, or model.includePatch to true",
  ],
  [
    ["training.batchSize=12", "optimizer.accumulate=5"],
    "optimizer.accumulate: expected a divisor of training.batchSize 12, received 5",
    "set optimizer.accumulate to 4 or change training.batchSize",
  ],
  [
    ["training.batchSize=7", "optimizer.accumulate=100"],
    "optimizer.accumulate: expected a divisor of training.batchSize 7, received 100",
    "set optimizer.accumulate to 7 or",
  ],
  [
    ["training.epochs=30", "schedule.warmupEpochs=31"],
    "schedule.warmupEpochs: expected at most training.epochs 30, received 31",
    "raise training.epochs or add --set schedule.warmupEpochs=3",
  ],
  [
    ["training.epochs=29"],
    "schedule.warmupTeacherTemperatureEpochs: expected at most training.epochs 29, received 30 (configs/defaults.yaml:",
    "--set schedule.warmupTeacherTemperatureEpochs=2",
  ],
  [
    ["data.kind=flat-folder"],
    "data.path: expected a path of images, as data.kind is flat-folder",
    "--data PATH",
  ],
  [
    ["data.mix=[{path: a}]", "data.path=x"],
    "data.mix: expected null where data.path is set",
    "data.mix=null",
  ],
  [["data.mix=[{path: a}]", "data.kind=list"], "data.kind: expected auto where data.mix is set", ""],
  [["data.kind=mixture"], "data.path: expected a path of images, as data.kind is mixture", ""],
  [
    ["data.kind=quickstart", "data.path=x"],
    "data.kind: expected auto, class-folders, flat-folder, list, shards where data.path is set",
    "",
  ],
  [
    ["evaluate.knn.cropSize=100"],
    "evaluate.knn.cropSize: expected a multiple of model.patchSize 16",
    "96 or 112",
  ],
  [["evaluate.knn.resizeTo=100"], "evaluate.knn.resizeTo: expected at least evaluate.knn.cropSize 224", ""],
  [
    ["evaluate.knn.heldOut=x"],
    "evaluate.knn.heldOut: expected null where data.path is null (the quickstart",
    "",
  ],
  [["evaluate.knn.train=x"], "evaluate.knn.heldOut: expected labelled images where evaluate.knn.train", ""],
])("%j contradicts the defaults, and is refused before anything is read", (set, message, hint) => {
  const error = loadError({ file: "defaults", set });
  expect(error.message).toContain(message);
  expect(error.hint).toContain(hint);
});

test("what is not used is not checked: local crops where there are none, windows without patches", () => {
  const set = ["crops.localCrops=0", "crops.localSize=7", "crops.localWindow=99"];
  expect(loadConfig({ set }).crops.localCrops).toBe(0);
  expect(loadConfig({ set: ["model.includePatch=false", "crops.globalWindow=99"] }).crops.globalWindow).toBe(
    99,
  );
});

test("the published run asks for its data", () => {
  const error = loadError({ file: "pretrain/vit-small-16-300ep" });
  expect(error.message).toMatch(
    /^data\.path: expected a path of images, as data\.kind is class-folders, received null \(configs\/defaults\.yaml:\d+:3\)$/,
  );
  expect(error.hint).toBe("give it with --data PATH");
});

test("a batch larger than the data set is refused, with the place of the key", () => {
  const file = configFile("training:\n  batchSize: 13\n");
  const config = loadConfig({ file });
  const error = configErrorOf(() => resolveConfig(config, { ...CPU_MACHINE, samples: 12 }));
  expect(error.message).toBe(
    `training.batchSize: expected at most the number of training images, 12, received 13 (${file}:2:3)`,
  );
  expect(error.hint).toContain("--set training.batchSize=12");
  expect(resolveConfig(config, { ...CPU_MACHINE, samples: 13 }).training.batchSize).toBe(13);
});

test("neighbours need labels: those of the training images, or of a folder of their own", () => {
  const set = ["evaluate.knn.heldOut=x"];
  const config = loadConfig({ data: "images", set });
  expect(() => resolveConfig(config, CPU_MACHINE)).toThrow(
    "evaluate.knn.train: expected labelled images, as the training images have no labels, received null",
  );
  const labelled = resolveConfig(config, { ...CPU_MACHINE, labelled: true });
  expect(labelled.evaluate.knn).toMatchObject({ heldOut: "x", train: null });
  const given = loadConfig({ data: "images", set: [...set, "evaluate.knn.train=y"] });
  expect(resolveConfig(given, CPU_MACHINE).evaluate.knn).toMatchObject({ heldOut: "x", train: "y" });
});

test("a device that is not there is refused, never replaced", () => {
  const resolved = (device: string, facts = CPU_MACHINE) =>
    resolveConfig(loadConfig({ set: [`device=${device}`] }), facts);
  expect(() => resolved("cuda")).toThrow(
    'device: expected cpu or auto (no CUDA device was found), received "cuda" (--set device)',
  );
  expect(() => resolved("cuda:2", GPU_MACHINE)).toThrow("expected a device from cuda:0 to cuda:1");
  expect(resolved("cuda:1", GPU_MACHINE).device).toBe("cuda:1");
  expect(resolved("cpu", GPU_MACHINE).device).toBe("cpu");
});

test("bf16 is refused on a CUDA device without it, and allowed on a CPU", () => {
  const config = loadConfig({ set: ["precision=bf16"] });
  expect(() => resolveConfig(config, { ...GPU_MACHINE, cudaBf16: false })).toThrow(
    'precision: expected auto, fp16 or fp32 (this CUDA device does not compute in bf16), received "bf16"',
  );
  expect(resolveConfig(config, GPU_MACHINE).precision).toBe("bf16");
  expect(resolveConfig(config, { ...CPU_MACHINE, cpuBf16: false }).precision).toBe("bf16");
});

test("all contradictions stand in one error, and a configuration made by hand is checked too", () => {
  const defaults = loadConfig({ file: "defaults" });
  const config = { ...defaults, device: "cuda" as const, training: { epochs: 1, batchSize: 9999 } };
  const lines = configErrorOf(() => resolveConfig(config, CPU_MACHINE)).message.split("\n");
  expect(lines).toHaveLength(5);
  expect(lines[0]).toBe("4 problems in the configuration");
});
