/** What a user may write: every key of a configuration. Meanings, units and defaults stand in configs/defaults.yaml. */
import { z } from "zod";
import { PATH_KINDS } from "./data-kinds.js";
import {
  described,
  flag,
  fraction,
  listOf,
  numberRange,
  oneOf,
  orAuto,
  orNull,
  realNumber,
  section,
  text,
  wholeNumber,
} from "./fields.js";
import { ARCHITECTURES } from "./presets.js";

const count = () => wholeNumber({ min: 1 });
const countOrNone = () => wholeNumber({ min: 0 });
const positive = () => realNumber({ above: 0 });
const notNegative = () => realNumber({ min: 0 });

const device = described(
  z.union([
    z.literal(["cpu", "cuda"]),
    z.templateLiteral(["cuda:", z.int()]).refine((name) => /^cuda:\d+$/.test(name)),
  ]),
  'one of cpu, cuda, or a device by number like "cuda:1"',
);

const DATA_PATH = "a folder of images, a list of files (.txt, .csv, .tsv) or tar shards";

const part = described(
  section({
    path: text(DATA_PATH),
    kind: orAuto(oneOf(PATH_KINDS)).default("auto"),
    weight: positive().default(1),
  }),
  "{ path: TEXT, kind: auto, weight: NUMBER above 0 }",
);

const data = section({
  path: orNull(text(DATA_PATH)),
  kind: orAuto(oneOf([...PATH_KINDS, "mixture", "quickstart"])),
  mix: orNull(listOf(part)),
  shuffleBuffer: count(),
  workers: orAuto(count()),
  prefetchBatches: count(),
  decodedMegabytes: count(),
  maxPixels: count(),
  maxSkippedShare: fraction(),
});

const model = section({
  arch: oneOf(ARCHITECTURES),
  width: orAuto(count()),
  depth: orAuto(count()),
  heads: orAuto(count()),
  mlpRatio: orAuto(positive()),
  patchSize: count(),
  classTokens: orAuto(described(z.literal([1, 2]), "1 or 2")),
  includePatch: flag(),
  srsHeads: orAuto(count()),
  dropPathRate: realNumber({ min: 0, below: 1 }),
  checkpointBlocks: flag(),
  head: section({
    prototypes: wholeNumber({ min: 2 }),
    hiddenWidth: count(),
    bottleneckWidth: count(),
    batchNorm: flag(),
    normLastLayer: flag(),
  }),
});

const photometric = section({
  jitterProbability: fraction(),
  brightness: notNegative(),
  contrast: notNegative(),
  saturation: notNegative(),
  hue: realNumber({ min: 0, max: 0.5 }),
  grayscaleProbability: fraction(),
  blurBranchProbability: fraction(),
  blurProbabilities: described(z.tuple([fraction(), fraction()]), "two numbers in [0, 1]"),
  solarizeBranchBlurProbability: fraction(),
  solarizeProbability: fraction(),
  solarizeThreshold: wholeNumber({ min: 0, max: 255 }),
  blurRadius: numberRange({ above: 0 }),
});

const crops = section({
  globalSize: count(),
  globalScale: numberRange({ above: 0, max: 1 }),
  localSize: count(),
  localScale: numberRange({ above: 0, max: 1 }),
  localCrops: countOrNone(),
  globalWindow: count(),
  localWindow: count(),
  flipProbability: fraction(),
  executor: oneOf(["cpu", "device"]),
  photometric,
});

const schedule = section({
  learningRate: positive(),
  minLearningRate: notNegative(),
  warmupEpochs: countOrNone(),
  weightDecay: notNegative(),
  weightDecayEnd: notNegative(),
  teacherMomentum: fraction(),
  teacherTemperature: positive(),
  warmupTeacherTemperature: positive(),
  warmupTeacherTemperatureEpochs: countOrNone(),
  freezeLastLayerEpochs: countOrNone(),
});

const knn = section({
  everyEpochs: orNull(countOrNone()),
  heldOut: orNull(text("a path of labelled images")),
  train: orNull(text("a path of labelled images")),
  neighbours: listOf(count()),
  temperature: positive(),
  resizeTo: orAuto(count()),
  cropSize: orAuto(count()),
});

const watch = section({ everyEpochs: orNull(countOrNone()), images: orAuto(wholeNumber({ min: 2 })) });

const pictures = section({
  everyEpochs: orNull(orAuto(countOrNone())),
  images: wholeNumber({ min: 1, max: 12 }),
  pool: wholeNumber({ min: 1, max: 4096 }),
});

export const configSchema = section({
  seed: wholeNumber({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  device: orAuto(device),
  precision: orAuto(oneOf(["fp32", "bf16", "fp16"])),
  threads: orAuto(count()),
  output: text("a folder"),
  init: orNull(text("a checkpoint")),
  data,
  model,
  objective: section({
    alpha: fraction(),
    studentTemperature: positive(),
    centerMomentum: fraction(),
  }),
  optimizer: section({
    name: oneOf(["adamw", "sgd", "lars"]),
    clipGradient: notNegative(),
    accumulate: count(),
    lossScale: positive(),
  }),
  crops,
  training: section({ epochs: count(), batchSize: count() }),
  schedule,
  checkpoint: section({
    everyEpochs: count(),
    everySteps: countOrNone(),
    everyMinutes: notNegative(),
    keepLast: count(),
    keepEveryEpochs: countOrNone(),
  }),
  logging: section({ everySteps: count(), tensorboard: flag() }),
  evaluate: section({ knn, watch, pictures }),
});

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** What the user wrote, completed by configs/defaults.yaml; some values are still "auto". */
export type Config = DeepReadonly<z.infer<typeof configSchema>>;

/** Every key in dotted form, sections before their keys: `data`, `data.path`, … */
export function knownKeys(schema: z.core.$ZodType = configSchema, prefix = ""): readonly string[] {
  if (!(schema instanceof z.ZodObject)) return [];
  return Object.entries(schema.shape).flatMap(([name, value]) => {
    const path = `${prefix}${name}`;
    return [path, ...knownKeys(value, `${path}.`)];
  });
}
