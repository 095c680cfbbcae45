/** How fast a training step is on this machine, on views with real geometry and pixels of noise. */
import { engineOptions } from "../config/engine-options.js";
import type { ResolvedConfig } from "../config/resolved.js";
import { type Native, openEngine, renderViews, type ViewBatch } from "../native/engine.js";
import type { ScheduleValues, StepReport } from "../native/types.js";
import { randomStream } from "../random.js";
import { multiCropRecipe } from "../recipe/multi-crop.js";
import { type StepSize, stepOperations, stepSize } from "./step-operations.js";

export interface StepBenchmark {
  /** Median, first; then each step after the warm-up, in seconds. */
  readonly medianSeconds: number;
  readonly seconds: readonly number[];
  readonly imagesPerSecond: number;
  /** Matrix products of a step, in 10^12 operations; see step-operations.ts. */
  readonly teraOperations: number;
  /** Of the median step, in 10^12 operations a second. */
  readonly teraOperationsPerSecond: number;
  /** Matrix products of two large matrices in the same precision, measured in the same process. */
  readonly peakTeraOperationsPerSecond: number;
  readonly shareOfPeak: number;
  /** Largest resident memory of the process, in bytes. */
  readonly peakResidentBytes: number;
  /** Median seconds by phase; empty unless they were asked for. */
  readonly phases: Readonly<Record<string, number>>;
  readonly losses: readonly number[];
}

export interface StepBenchmarkOptions {
  readonly warmUp: number;
  readonly steps: number;
  readonly profile: boolean;
  readonly onStep: (step: number, seconds: number) => void;
}

/** Size of the images that the views are cut from: that of a usual photograph of ImageNet. */
const IMAGE = { width: 500, height: 375 };

const AT: ScheduleValues = {
  learningRate: 1e-4,
  weightDecay: 0.04,
  momentum: 0.996,
  teacherTemperature: 0.04,
  freezeLastLayer: false,
};

/** Makes `warmUp` and then `steps` steps of the configuration on one batch. */
export async function benchmarkStep(
  config: ResolvedConfig,
  options: StepBenchmarkOptions,
): Promise<StepBenchmark> {
  const { views, size } = await noiseBatch(config);
  using batch = views;
  await using native = await openEngine(engineOptions(config));
  const reports = await makeSteps(native, batch, options);
  const peak = (await native.matrixPeak()) / 1e12;
  const seconds = reports.map((report) => report.seconds);
  const medianSeconds = median(seconds);
  const teraOperations = stepOperations(native.options.model, size) / 1e12;
  const speed = teraOperations / medianSeconds;
  return {
    medianSeconds,
    seconds,
    imagesPerSecond: size.images / medianSeconds,
    teraOperations,
    teraOperationsPerSecond: speed,
    peakTeraOperationsPerSecond: peak,
    shareOfPeak: speed / peak,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
    phases: medianPhases(reports),
    losses: reports.map(({ loss }) => loss),
  };
}

async function noiseBatch(config: ResolvedConfig): Promise<{ views: ViewBatch; size: StepSize }> {
  const { crops, training, seed } = config;
  const { globalSize, localCrops, localSize } = crops;
  const images = Array.from({ length: training.batchSize }, (_, index) => index);
  const recipes = images.map((index) => multiCropRecipe(IMAGE, crops, randomStream(seed, "bench", index)));
  // One image serves all: what is in the pixels does not change what a step costs.
  const random = randomStream(seed, "noise");
  const pixels = new Uint8Array(3 * IMAGE.width * IMAGE.height).map(() => random.integer(0, 256));
  const shape = { images: images.length, globalSize, localCrops, localSize };
  const decoded = images.map(() => ({ pixels, ...IMAGE }));
  return { views: await renderViews(shape, decoded, recipes), size: stepSize(recipes, localSize) };
}

async function makeSteps(
  native: Native,
  batch: ViewBatch,
  { warmUp, steps, profile, onStep }: StepBenchmarkOptions,
): Promise<StepReport[]> {
  const reports: StepReport[] = [];
  for (let step = 1; step <= warmUp + steps; step++) {
    const report = await native.stepUdi(batch, AT, { profile });
    onStep(step, report.seconds);
    if (step > warmUp) reports.push(report);
  }
  return reports;
}

function medianPhases(reports: readonly StepReport[]): Record<string, number> {
  const names = Object.keys(reports[0]?.phases ?? {});
  return Object.fromEntries(
    names.map((name) => [name, median(reports.map(({ phases }) => phases[name] ?? 0))]),
  );
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? 0) + (sorted[Math.ceil(middle)] ?? 0)) / 2;
}
