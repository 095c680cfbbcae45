/** Options of an engine: plain values of the right kind. The engine checks what must hold between them. */
import type * as addon from "./addon.js";
import { choice, finiteNumber, record, refuse, truth, wholeNumber } from "./argument-checks.js";

/** More threads than the largest machines have cores would only end the process for want of memory. */
export const MOST_THREADS = 512;

/** Ten times as many as the deepest published ones have. */
const MOST_BLOCKS = 1000;

export function checkOptions(value: unknown): addon.NativeOptions {
  const options = record("options", value);
  return {
    model: checkModel(options.model),
    objective: checkObjective(options.objective),
    optimizer: checkOptimizer(options.optimizer),
    device: checkDevice(options.device),
    precision: choice("precision", options.precision, ["fp32", "bf16", "fp16"]),
    seed: wholeNumber("seed", options.seed, 0, Number.MAX_SAFE_INTEGER),
    threads: wholeNumber("threads", options.threads, 0, MOST_THREADS),
  };
}

function checkModel(value: unknown): addon.ModelOptions {
  const model = record("model", value);
  return {
    width: wholeNumber("model.width", model.width),
    depth: wholeNumber("model.depth", model.depth, 1, MOST_BLOCKS),
    heads: wholeNumber("model.heads", model.heads),
    mlpRatio: finiteNumber("model.mlpRatio", model.mlpRatio),
    patchSize: wholeNumber("model.patchSize", model.patchSize),
    imageSize: wholeNumber("model.imageSize", model.imageSize),
    classTokens: wholeNumber("model.classTokens", model.classTokens),
    includePatch: truth("model.includePatch", model.includePatch),
    srsHeads: wholeNumber("model.srsHeads", model.srsHeads),
    dropPathRate: finiteNumber("model.dropPathRate", model.dropPathRate),
    checkpointBlocks: truth("model.checkpointBlocks", model.checkpointBlocks),
    head: checkHead(model.head),
  };
}

function checkHead(value: unknown): addon.HeadOptions {
  const head = record("model.head", value);
  return {
    prototypes: wholeNumber("model.head.prototypes", head.prototypes),
    hiddenWidth: wholeNumber("model.head.hiddenWidth", head.hiddenWidth),
    bottleneckWidth: wholeNumber("model.head.bottleneckWidth", head.bottleneckWidth),
    batchNorm: truth("model.head.batchNorm", head.batchNorm),
    normLastLayer: truth("model.head.normLastLayer", head.normLastLayer),
  };
}

function checkObjective(value: unknown): addon.ObjectiveOptions {
  const objective = record("objective", value);
  return {
    alpha: finiteNumber("objective.alpha", objective.alpha),
    studentTemperature: finiteNumber("objective.studentTemperature", objective.studentTemperature),
    centerMomentum: finiteNumber("objective.centerMomentum", objective.centerMomentum),
  };
}

function checkOptimizer(value: unknown): addon.OptimizerOptions {
  const optimizer = record("optimizer", value);
  return {
    name: choice("optimizer.name", optimizer.name, ["adamw", "sgd", "lars"]),
    clipGradient: finiteNumber("optimizer.clipGradient", optimizer.clipGradient),
    accumulate: wholeNumber("optimizer.accumulate", optimizer.accumulate),
    lossScale: finiteNumber("optimizer.lossScale", optimizer.lossScale),
  };
}

export function checkDevice(value: unknown): string {
  if (typeof value === "string" && /^(?:cpu|cuda(?::\d{1,4})?)$/.test(value)) return value;
  throw refuse("device", "cpu, cuda or cuda:<index>", value);
}
