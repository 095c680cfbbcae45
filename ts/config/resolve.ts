/** What the user wants + what is there -> what will run. */
import { keyProblems } from "./checks.js";
import {
  chooseCropSize,
  chooseDataKind,
  chooseDevice,
  choosePictureEpochs,
  choosePrecision,
  chooseResizeTo,
  chooseThreads,
  chooseWatchImages,
  chooseWorkers,
} from "./choices.js";
import { factProblems } from "./fact-checks.js";
import { modelShape } from "./model-shape.js";
import { placesOf } from "./places.js";
import { configError } from "./problems.js";
import type {
  Device,
  ResolvedConfig,
  ResolvedData,
  ResolvedKnn,
  ResolvedPictures,
  ResolvedWatch,
  RunFacts,
} from "./resolved.js";
import type { Config } from "./schema.js";
import { type Reasons, settle } from "./settle.js";

/** Turns every "auto" into a value and notes why; throws a ConfigError where keys and facts contradict each other. */
export function resolveConfig(config: Config, facts: RunFacts): ResolvedConfig {
  const problems = [...keyProblems(config), ...factProblems(config, facts)];
  if (problems.length > 0) throw configError(problems, placesOf(config));
  const { model, crops } = config;
  const reasons: Reasons = {};
  const device = settle<Device>(reasons, "device", config.device, () => chooseDevice(facts));
  return {
    ...config,
    device,
    precision: settle(reasons, "precision", config.precision, () => choosePrecision(device, facts)),
    threads: settle(reasons, "threads", config.threads, () => chooseThreads(device, facts.cores)),
    data: resolveData(config.data, device, facts, reasons),
    model: { ...model, ...modelShape(model, reasons), imageSize: crops.globalSize },
    crops: { ...crops, patchSize: model.patchSize, includePatch: model.includePatch },
    evaluate: {
      ...config.evaluate,
      knn: resolveKnn(config, reasons),
      watch: resolveWatch(config, facts, reasons),
      pictures: resolvePictures(config, reasons),
    },
    reasons,
  };
}

function resolveData(data: Config["data"], device: Device, facts: RunFacts, reasons: Reasons): ResolvedData {
  return {
    ...data,
    kind: settle(reasons, "data.kind", data.kind, () => chooseDataKind(data, facts)),
    workers: settle(reasons, "data.workers", data.workers, () => chooseWorkers(device, facts.cores)),
  };
}

function resolveWatch({ evaluate }: Config, facts: RunFacts, reasons: Reasons): ResolvedWatch {
  const { everyEpochs, images } = evaluate.watch;
  const choose = () => chooseWatchImages(facts);
  return { everyEpochs, images: settle(reasons, "evaluate.watch.images", images, choose) };
}

function resolvePictures({ evaluate, training }: Config, reasons: Reasons): ResolvedPictures {
  const { everyEpochs, ...pictures } = evaluate.pictures;
  if (everyEpochs === null) return { ...pictures, everyEpochs };
  const choose = () => choosePictureEpochs(training.epochs);
  return { ...pictures, everyEpochs: settle(reasons, "evaluate.pictures.everyEpochs", everyEpochs, choose) };
}

function resolveKnn({ evaluate, crops }: Config, reasons: Reasons): ResolvedKnn {
  const { knn } = evaluate;
  const cropSize = settle(reasons, "evaluate.knn.cropSize", knn.cropSize, () =>
    chooseCropSize(crops.globalSize),
  );
  const resizeTo = settle(reasons, "evaluate.knn.resizeTo", knn.resizeTo, () => chooseResizeTo(cropSize));
  return { ...knn, cropSize, resizeTo };
}
