/** Runs `udi-native bench step`: the settings go the way of every configuration. */

import { benchmarkStep, type StepBenchmark } from "../benchmark/step.js";
import { loadConfig } from "../config/load.js";
import { resolveConfig } from "../config/resolve.js";
import type { ResolvedConfig } from "../config/resolved.js";
import { machine } from "../native/engine.js";
import { machineFacts } from "../native/machine-facts.js";
import { percentText } from "../number-text.js";
import type { BenchStepChoice } from "./bench-command.js";
import { outputFile } from "./output-file.js";

/** Key of the configuration that an option sets. */
const KEYS = {
  arch: "model.arch",
  batch: "training.batchSize",
  locals: "crops.localCrops",
  outDim: "model.head.prototypes",
  accumulate: "optimizer.accumulate",
  checkpointBlocks: "model.checkpointBlocks",
  precision: "precision",
  device: "device",
  threads: "threads",
} as const;

export async function runBenchStep(choice: BenchStepChoice): Promise<void> {
  const config = await settle(choice);
  const trace = choice.trace === undefined ? null : await outputFile("--trace", choice.trace);
  const result = await benchmarkStep(config, {
    steps: choice.steps,
    warmUp: choice.warmUp,
    profile: choice.profile === true,
    trace: trace?.writtenBy ?? null,
    onStep: (step, seconds) => console.error(`step ${step}: ${seconds.toFixed(3)} s`),
  });
  const settings = settingsOf(config);
  console.log(choice.json ? JSON.stringify({ ...settings, ...result }) : stepText(settings, result));
}

async function settle(choice: BenchStepChoice): Promise<ResolvedConfig> {
  const named = Object.entries(KEYS) as [keyof typeof KEYS, string][];
  const chosen = named.flatMap(([option, key]) =>
    choice[option] === undefined ? [] : [[key, choice[option]]],
  );
  const set = [["training.batchSize", "4"], ...chosen].map(([key, value]) => `${key}=${value}`);
  const config = loadConfig({ file: "defaults", set });
  const samples = config.training.batchSize;
  const data = { samples, dataKind: "class-folders", labelled: false } as const;
  return resolveConfig(config, { ...machineFacts(await machine()), ...data });
}

type Settings = Readonly<Record<string, string | number>>;

function settingsOf(config: ResolvedConfig): Settings {
  const { model, optimizer, crops, training, precision, device, threads } = config;
  return {
    arch: model.arch,
    batch: training.batchSize,
    locals: crops.localCrops,
    outDim: model.head.prototypes,
    accumulate: optimizer.accumulate,
    checkpointBlocks: String(model.checkpointBlocks),
    precision,
    device,
    threads,
  };
}

/** The measurement as lines for a reader. */
export function stepText(settings: Settings, result: StepBenchmark): string {
  const named = Object.entries(settings).map(([name, value]) => `${name} ${value}`);
  const speed = `${result.teraOperationsPerSecond.toFixed(3)} TFLOP/s`;
  const peak = `${result.peakTeraOperationsPerSecond.toFixed(3)} TFLOP/s`;
  const rows: [string, string][] = [
    ["settings", named.join(", ")],
    ["step", `${result.medianSeconds.toFixed(3)} s (median; ${result.seconds.map(short).join(", ")})`],
    ["images", `${result.imagesPerSecond.toFixed(2)} a second`],
    ["arithmetic", `${result.teraOperations.toFixed(3)} TFLOP a step, ${speed}`],
    ["peak", `${peak} of matrix products here; the step reaches ${percentText(result.shareOfPeak)} of it`],
    ["memory", memoryText(result)],
    ...phaseRows(result),
  ];
  return rows.map(([name, value]) => `${name.padEnd(17)} ${value}`).join("\n");
}

function memoryText({ peakDeviceBytes, peakResidentBytes }: StepBenchmark): string {
  const resident = `${gibibytes(peakResidentBytes)} resident at most`;
  if (peakDeviceBytes === null) return resident;
  return `${gibibytes(peakDeviceBytes)} of tensors on the device at most, ${resident}`;
}

function phaseRows({ phases, medianSeconds }: StepBenchmark): [string, string][] {
  const measured = Object.entries(phases);
  if (measured.length === 0) return [];
  const other = medianSeconds - measured.reduce((sum, [, seconds]) => sum + seconds, 0);
  return [...measured, ["other", Math.max(other, 0)] as const].map(([name, seconds]) => [
    `  ${name}`,
    `${short(seconds)} s, ${percentText(seconds / medianSeconds)}`,
  ]);
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(2)} GiB`;
}

function short(seconds: number): string {
  return seconds.toFixed(3);
}
