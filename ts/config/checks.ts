/** Keys that contradict each other. */
import { PATH_KINDS } from "./data-kinds.js";
import { modelShape } from "./model-shape.js";
import { type Problem, unless } from "./problems.js";
import type { Config } from "./schema.js";

/** Contradictions within the configuration: known before any image or device is looked at. */
export function keyProblems(config: Config): readonly Problem[] {
  return [
    ...modelProblems(config),
    ...cropProblems(config),
    ...epochProblems(config),
    ...accumulateProblems(config),
    ...dataProblems(config),
    ...knnProblems(config),
  ];
}

function modelProblems({ model }: Config): readonly Problem[] {
  const { width, heads, srsHeads, mlpRatio, classTokens } = modelShape(model);
  return [
    ...unless(width % heads === 0, "model.heads", `a divisor of model.width ${width}`, heads),
    ...unless(width % srsHeads === 0, "model.srsHeads", `a divisor of model.width ${width}`, srsHeads),
    ...unless(
      Number.isInteger(width * mlpRatio),
      "model.mlpRatio",
      `a whole number of hidden units, model.width ${width} times it`,
      mlpRatio,
    ),
    ...unless(
      model.includePatch || classTokens === 1,
      "model.classTokens",
      "1 where model.includePatch is false (cls+ is made of patches)",
      classTokens,
      "set model.classTokens to 1 or auto, or model.includePatch to true",
    ),
  ];
}

function cropProblems({ model, crops }: Config): readonly Problem[] {
  const { patchSize, includePatch } = model;
  const views = [
    { name: "global", size: crops.globalSize, window: crops.globalWindow },
    ...(crops.localCrops > 0 ? [{ name: "local", size: crops.localSize, window: crops.localWindow }] : []),
  ];
  return views.flatMap(({ name, size, window }) => [
    ...sizeProblems(`crops.${name}Size`, size, patchSize),
    ...(includePatch ? windowProblems({ name, size, window, patchSize }) : []),
  ]);
}

function sizeProblems(path: string, size: number, patchSize: number): readonly Problem[] {
  const below = Math.floor(size / patchSize) * patchSize;
  const nearest = [below, below + patchSize].filter((multiple) => multiple > 0);
  const expected = `a multiple of model.patchSize ${patchSize}`;
  return unless(size % patchSize === 0, path, expected, size, `set ${path} to ${nearest.join(" or ")}`);
}

interface Windowed {
  readonly name: string;
  readonly size: number;
  readonly window: number;
  readonly patchSize: number;
}

/** Token positions are `i / (side - 1)` of a crop (spec/method.md section 3): a grid of one token has none. */
function windowProblems({ name, size, window, patchSize }: Windowed): readonly Problem[] {
  const grid = Math.floor(size / patchSize);
  return [
    ...unless(
      grid >= 2,
      `crops.${name}Size`,
      `at least ${2 * patchSize}, two of model.patchSize ${patchSize}, where patches are used`,
      size,
    ),
    ...unless(
      window <= grid,
      `crops.${name}Window`,
      `at most the side of the crop's token grid, ${grid} (crops.${name}Size / model.patchSize)`,
      window,
    ),
  ];
}

function epochProblems({ schedule, training }: Config): readonly Problem[] {
  const keys = ["warmupEpochs", "warmupTeacherTemperatureEpochs"] as const;
  return keys.flatMap((key) =>
    unless(
      schedule[key] <= training.epochs,
      `schedule.${key}`,
      `at most training.epochs ${training.epochs}`,
      schedule[key],
      `raise training.epochs or add --set schedule.${key}=${Math.floor(training.epochs / 10)}`,
    ),
  );
}

function accumulateProblems({ optimizer, training }: Config): readonly Problem[] {
  const { batchSize } = training;
  const largest = greatestDivisor(batchSize, optimizer.accumulate);
  return unless(
    batchSize % optimizer.accumulate === 0,
    "optimizer.accumulate",
    `a divisor of training.batchSize ${batchSize}`,
    optimizer.accumulate,
    `set optimizer.accumulate to ${largest} or change training.batchSize`,
  );
}

/** The greatest divisor of `value` that is at most `limit`. */
function greatestDivisor(value: number, limit: number): number {
  for (let divisor = Math.min(limit, value); divisor > 1; divisor--) {
    if (value % divisor === 0) return divisor;
  }
  return 1;
}

function dataProblems({ data }: Config): readonly Problem[] {
  const { path, kind, mix } = data;
  if (mix !== null) return mixProblems(data);
  return [
    ...unless(
      path !== null || kind === "auto" || kind === "quickstart",
      "data.path",
      `a path of images, as data.kind is ${kind}`,
      path,
      "give it with --data PATH",
    ),
    ...unless(
      path === null || (kind !== "quickstart" && kind !== "mixture"),
      "data.kind",
      `auto, ${PATH_KINDS.join(", ")} where data.path is set`,
      kind,
    ),
  ];
}

function mixProblems({ path, kind, mix }: Config["data"]): readonly Problem[] {
  return [
    ...unless(
      path === null,
      "data.mix",
      "null where data.path is set",
      mix,
      "add --set data.mix=null, or leave out --data (data.path)",
    ),
    ...unless(kind === "auto" || kind === "mixture", "data.kind", "auto where data.mix is set", kind),
  ];
}

function knnProblems({ data, model, crops, evaluate }: Config): readonly Problem[] {
  const { resizeTo, heldOut, train } = evaluate.knn;
  const given = evaluate.knn.cropSize;
  const cropSize = given === "auto" ? crops.globalSize : given;
  const quickstart = data.path === null && data.mix === null;
  return [
    ...unless(
      heldOut === null || !quickstart,
      "evaluate.knn.heldOut",
      "null where data.path is null (the quickstart data has a held-out part of its own)",
      heldOut,
    ),
    ...unless(
      train === null || heldOut !== null,
      "evaluate.knn.heldOut",
      "labelled images where evaluate.knn.train is set",
      heldOut,
    ),
    ...(given === "auto" ? [] : sizeProblems("evaluate.knn.cropSize", given, model.patchSize)),
    ...unless(
      resizeTo === "auto" || resizeTo >= cropSize,
      "evaluate.knn.resizeTo",
      `at least evaluate.knn.cropSize ${cropSize}`,
      resizeTo,
    ),
  ];
}
