/** `environment.json`: on what a run ran. A run that was resumed lists its earlier parts too. */
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { arch, cpus, hostname, release, totalmem } from "node:os";
import type { ResolvedConfig } from "../config/resolved.js";
import { RunError } from "../errors.js";
import type { CudaDevice, Machine } from "../native/engine.js";
import { openLibtorch } from "../native/open-libtorch.js";
import { packageVersion } from "../native/package-root.js";
import type { DatasetIdentity } from "./dataset-identity.js";
import { writeWholeFile } from "./whole-files.js";

export interface Environment {
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Steps made before this part of the run. */
  readonly fromStep: number;
  readonly command: readonly string[];
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: {
    readonly host: string;
    readonly system: string;
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
  };
  /** What the engine runs on; `gpu` is null on the CPU. */
  readonly device: {
    readonly name: string;
    readonly precision: string;
    readonly threads: number;
    readonly gpu: CudaDevice | null;
  };
  readonly libtorch: { readonly version: string; readonly source: string; readonly root: string };
  readonly dataset: DatasetIdentity;
  /** For each key that was "auto": the value chosen and why. */
  readonly reasons: Readonly<Record<string, string>>;
}

export interface EnvironmentFacts {
  readonly config: ResolvedConfig;
  readonly machine: Machine;
  readonly dataset: DatasetIdentity;
  readonly fromStep: number;
}

/** Describes this process; libtorch is open already. */
export function describeEnvironment({ config, machine, dataset, fromStep }: EnvironmentFacts): Environment {
  const { libtorch } = openLibtorch();
  const { device: name, precision, threads, reasons } = config;
  return {
    startedAt: new Date().toISOString(),
    fromStep,
    command: process.argv,
    versions: { "udi-native": packageVersion(), node: process.versions.node, libtorch: libtorch.version },
    machine: {
      host: hostname(),
      system: `${process.platform} ${release()} ${arch()}`,
      cpu: cpus()[0]?.model ?? "unknown",
      cores: machine.cores,
      memoryBytes: totalmem(),
    },
    device: { name, precision, threads, gpu: gpuOf(name, machine) },
    libtorch: { version: libtorch.version, source: libtorch.source, root: libtorch.root },
    dataset,
    reasons,
  };
}

/** Puts the description in front; what stood in the file before becomes the first of its `earlier` parts. */
export async function addEnvironment(file: string, environment: Environment): Promise<void> {
  const before = existsSync(file) ? await readEnvironment(file) : null;
  const { earlier = [], ...last } = before ?? {};
  const parts = before === null ? [] : [last, ...earlier];
  await writeWholeFile(file, `${JSON.stringify({ ...environment, earlier: parts }, null, 2)}\n`);
}

async function readEnvironment(file: string): Promise<{ earlier?: unknown[] }> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw new RunError(`${file}: expected JSON as udi-native wrote it, received something else`, {
      hint: "remove the file to go on without what it told",
      cause,
    });
  }
}

function gpuOf(device: string, { cudaDevices }: Machine): CudaDevice | null {
  if (device === "cpu") return null;
  const index = Number(device.split(":")[1] ?? 0);
  return cudaDevices.find((candidate) => candidate.index === index) ?? null;
}
