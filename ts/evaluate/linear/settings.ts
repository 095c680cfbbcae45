/** Settings of the linear probe; defaults are the reference's (spec/evaluation.md section 2). */
import { ConfigError } from "../../errors.js";
import type { EncoderModel } from "../../native/encoder.js";
import { randAugmentPolicy } from "../../recipe/rand-augment-policy.js";
import type { RandomErasing } from "../../recipe/random-erasing.js";
import { ERASING_MODES } from "../../recipe/random-erasing.js";

/** Which class tokens make up the feature of a block. */
export const TOKENS = ["cls", "cls+", "cls,cls+"] as const;

export type TokenChoice = (typeof TOKENS)[number];

/** What one classifier sees, and how fast it learns. */
export interface Candidate {
  /** For a batch of 256 images. */
  readonly learningRate: number;
  /** Class tokens of so many last blocks stand side by side. */
  readonly lastBlocks: number;
  /** Whether the mean of the last block's patch tokens stands behind them. */
  readonly averagePatches: boolean;
}

/** Values that the classifiers beside the reference's are made of, each with each. */
export interface Grid {
  readonly learningRates: readonly number[];
  readonly lastBlocks: readonly number[];
  readonly averagePatches: readonly boolean[];
}

export interface LinearSettings {
  /** The reference's classifier. */
  readonly reference: Candidate;
  /** Null: that one alone. */
  readonly grid: Grid | null;
  readonly token: TokenChoice;
  readonly epochs: number;
  /** Images of a step. */
  readonly batchSize: number;
  /** At the end of the cosine; not scaled by the batch. */
  readonly minimumRate: number;
  readonly momentum: number;
  /** Random crops and flips in each epoch; else features of the centre crop, computed once. */
  readonly augment: boolean;
  /** RandAugment policy of the whole images, before they are cropped; null: none. */
  readonly autoAugment: string | null;
  /** Boxes of the crops that are written over; null: none. */
  readonly erasing: RandomErasing | null;
  /** Side in pixels of what the network sees. */
  readonly imageSize: number;
  /** Shorter side in pixels before the centre crop. */
  readonly resizeTo: number;
  /** Share of the train images on which the best is chosen, and which are not trained on; 0: none is chosen. */
  readonly selectShare: number;
  /** Epochs from one evaluation to the next; the last is always evaluated. */
  readonly evaluateEvery: number;
  readonly seed: number;
}

/** Of the reference. */
const AUTO_AUGMENT = "rand-m9-mstd0.5-inc1";
const ERASING: RandomErasing = { probability: 0.25, mode: "pixel", count: 1 };

/** As many boxes as still have some pixels each. */
const MOST_BOXES = 100;

/** Those of DINOv2's probe. */
const GRID_RATES = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1];

/** From this width on the reference takes one block and its patches. */
const WIDE = 768;

/** What a caller chose. */
type Given = Partial<Omit<LinearSettings, "reference" | "grid" | "erasing">> & {
  readonly reference?: Partial<Candidate>;
  /** Null: no grid. What is left open of it takes DINOv2's values. */
  readonly grid?: Partial<Grid> | null;
  /** Null, or a probability of 0: nothing is erased. */
  readonly erasing?: Partial<RandomErasing> | null;
};

/** What is left open takes the reference's value for a model of this kind. */
export function linearSettings(given: Given, model: EncoderModel): LinearSettings {
  const imageSize = given.imageSize ?? model.imageSize;
  const wide = model.width >= WIDE;
  const settings: LinearSettings = {
    token: "cls",
    epochs: 100,
    batchSize: 256,
    minimumRate: 0,
    momentum: 0.9,
    augment: true,
    resizeTo: Math.round((imageSize * 256) / 224),
    selectShare: 0.1,
    evaluateEvery: 1,
    seed: 0,
    ...given,
    ...strongAugmentation(given),
    imageSize,
    reference: {
      learningRate: 0.02,
      lastBlocks: wide ? 1 : Math.min(4, model.depth),
      averagePatches: wide,
      ...given.reference,
    },
    grid: given.grid === null ? null : { ...defaultGrid(model), ...given.grid },
  };
  check(settings, model);
  return settings;
}

/** What comes on top of random crops and flips. */
function strongAugmentation({
  augment = true,
  autoAugment,
  erasing,
}: Pick<Given, "augment" | "autoAugment" | "erasing">): Pick<LinearSettings, "autoAugment" | "erasing"> {
  if (augment) {
    const all = erasing === null ? null : { ...ERASING, ...erasing };
    return {
      autoAugment: autoAugment === undefined ? AUTO_AUGMENT : autoAugment,
      erasing: all === null || all.probability === 0 ? null : all,
    };
  }
  const erased = erasing?.probability === 0 ? null : erasing;
  for (const [name, value] of Object.entries({ autoAugment, erasing: erased })) {
    if ((value ?? null) !== null) throw refused(name, "nothing without augmentation", JSON.stringify(value));
  }
  return { autoAugment: null, erasing: null };
}

function defaultGrid({ depth }: EncoderModel): Grid {
  const lastBlocks = [...new Set([1, Math.min(4, depth)])];
  return { learningRates: GRID_RATES, lastBlocks, averagePatches: [false, true] };
}

/** The reference's classifier first, then those of the grid that are not the same. */
export function candidatesOf({ reference, grid }: LinearSettings): readonly Candidate[] {
  const all = [reference];
  if (grid === null) return all;
  for (const averagePatches of grid.averagePatches)
    for (const lastBlocks of grid.lastBlocks)
      for (const learningRate of grid.learningRates) all.push({ learningRate, lastBlocks, averagePatches });
  const names = all.map((candidate) => JSON.stringify(nameOf(candidate)));
  return all.filter((_, at) => names.indexOf(names[at] as string) === at);
}

function nameOf({ learningRate, lastBlocks, averagePatches }: Candidate): readonly unknown[] {
  return [learningRate, lastBlocks, averagePatches];
}

function check(settings: LinearSettings, model: EncoderModel): void {
  const { grid, token, selectShare, minimumRate, momentum, autoAugment, erasing } = settings;
  for (const name of ["epochs", "batchSize", "evaluateEvery", "imageSize", "resizeTo"] as const) {
    whole(name, settings[name], 1, Number.MAX_SAFE_INTEGER);
  }
  whole("seed", settings.seed, 0, Number.MAX_SAFE_INTEGER);
  if (!(selectShare >= 0 && selectShare < 1))
    throw refused("selectShare", "a share from 0, below 1", selectShare);
  if (!(momentum >= 0 && momentum < 1)) throw refused("momentum", "a share from 0, below 1", momentum);
  if (!(Number.isFinite(minimumRate) && minimumRate >= 0))
    throw refused("minimumRate", "a finite number of at least 0", minimumRate);
  if (autoAugment !== null) randAugmentPolicy(autoAugment);
  if (erasing !== null) checkErasing(erasing);
  const rates = [settings.reference.learningRate, ...(grid?.learningRates ?? [])];
  for (const rate of rates) {
    if (!(Number.isFinite(rate) && rate > 0)) throw refused("learningRate", "a finite number above 0", rate);
  }
  for (const blocks of [settings.reference.lastBlocks, ...(grid?.lastBlocks ?? [])]) {
    whole("lastBlocks", blocks, 1, model.depth);
  }
  if (token !== "cls" && model.classTokens < 2)
    throw refused("token", "cls, since the model has one class token", token);
  if (settings.resizeTo < settings.imageSize)
    throw refused("resizeTo", `at least the image size ${settings.imageSize}`, settings.resizeTo);
}

function checkErasing({ probability, mode, count }: RandomErasing): void {
  if (!(probability >= 0 && probability <= 1))
    throw refused("erasing.probability", "a share from 0 to 1", probability);
  if (!ERASING_MODES.includes(mode)) throw refused("erasing.mode", ERASING_MODES.join(", "), mode);
  whole("erasing.count", count, 1, MOST_BOXES);
}

function whole(name: string, value: number, from: number, to: number): void {
  if (Number.isInteger(value) && value >= from && value <= to) return;
  const range = to === Number.MAX_SAFE_INTEGER ? `of at least ${from}` : `from ${from} to ${to}`;
  throw refused(name, `a whole number ${range}`, value);
}

function refused(name: string, expected: string, value: unknown): ConfigError {
  return new ConfigError(`linear probe: ${name}: expected ${expected}, received ${value}`);
}
