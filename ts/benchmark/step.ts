/** How fast a training step is on this machine, on views with real geometry and pixels of noise. */
import { engineOptions } from "../config/engine-options.js";
import type { ResolvedConfig } from "../config/resolved.js";
import { type Native, openEngine, renderViews, type ViewBatch } from "../native/engine.js";
import type { StepReport } from "../native/types.js";
import { randomStream } from "../random.js";
import { BENCH_IMAGE, BENCH_SCHEDULE, type BenchRecipes, benchRecipes } from "./step-plan.js";
import { timedSteps } from "./timed-steps.js";

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
  /** Most bytes that tensors of the CUDA device took at once; null on a CPU. */
  readonly peakDeviceBytes: number | null;
  /** Median seconds by phase; empty unless they were asked for. */
  readonly phases: Readonly<Record<string, number>>;
  readonly losses: readonly number[];
}

export interface StepBenchmarkOptions {
  readonly warmUp: number;
  readonly steps: number;
  readonly profile: boolean;
  /** Is given, when all is measured, what makes two more steps and records them in a file; null: none are made. */
  readonly trace: ((record: (file: string) => Promise<void>) => Promise<void>) | null;
  readonly onStep: (step: number, seconds: number) => void;
}

/** The second shows what lies between two steps. */
const TRACED_STEPS = 2;

/** Makes `warmUp` and then `steps` steps of the configuration on one batch. */
export async function benchmarkStep(
  config: ResolvedConfig,
  options: StepBenchmarkOptions,
): Promise<StepBenchmark> {
  const planned = benchRecipes(config);
  using batch = await noiseViews(planned, config.seed);
  await using native = await openEngine(engineOptions(config));
  const reports = await measuredSteps(native, batch, options);
  const deviceBytes = await native.peakDeviceBytes();
  const peak = (await native.matrixPeak()) / 1e12;
  const residentBytes = process.resourceUsage().maxRSS * 1024;
  const unseen = { ...options, onStep: () => {} };
  await options.trace?.((file) => native.traced(file, () => makeSteps(native, batch, TRACED_STEPS, unseen)));
  const seconds = reports.map((report) => report.seconds);
  const medianSeconds = median(seconds);
  const { teraOperations } = planned;
  const speed = teraOperations / medianSeconds;
  return {
    medianSeconds,
    seconds,
    imagesPerSecond: planned.shape.images / medianSeconds,
    teraOperations,
    teraOperationsPerSecond: speed,
    peakTeraOperationsPerSecond: peak,
    shareOfPeak: speed / peak,
    peakResidentBytes: residentBytes,
    peakDeviceBytes: deviceBytes,
    phases: medianPhases(reports),
    losses: reports.map(({ loss }) => loss),
  };
}

async function noiseViews({ shape, recipes }: BenchRecipes, seed: number): Promise<ViewBatch> {
  // One image serves all: what is in the pixels does not change what a step costs.
  const random = randomStream(seed, "noise");
  const { width, height } = BENCH_IMAGE;
  const pixels = new Uint8Array(3 * width * height).map(() => random.integer(0, 256));
  const decoded = recipes.map(() => ({ pixels, width, height }));
  return renderViews(shape, decoded, recipes);
}

async function measuredSteps(
  native: Native,
  batch: ViewBatch,
  options: StepBenchmarkOptions,
): Promise<StepReport[]> {
  const reports = await makeSteps(native, batch, options.warmUp + options.steps, options);
  return reports.slice(options.warmUp);
}

/** As training gives them: on a GPU one ahead. There measuring phases has each step finish first. */
function makeSteps(
  native: Native,
  batch: ViewBatch,
  count: number,
  { profile, onStep }: Pick<StepBenchmarkOptions, "profile" | "onStep">,
): Promise<StepReport[]> {
  return timedSteps({
    make: () => native.stepUdi(batch, BENCH_SCHEDULE, { profile }),
    count,
    ahead: native.options.device !== "cpu" && !profile,
    onStep,
  });
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
