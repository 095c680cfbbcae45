/** Looks at everything that training needs, and says what was found, where, and how to mend what is wrong. */
import { availableParallelism } from "node:os";
import sharp from "sharp";
import { UdiError } from "../errors.js";
import { type AskForKernels, WITHOUT_KERNELS, withoutCudaKernels } from "./cuda-kernels.js";
import { findLibtorch, type Rejection } from "./libtorch.js";
import type { Libtorch } from "./libtorch-folder.js";
import { addonFile } from "./load-addon.js";
import { hasNvidiaDriver } from "./nvidia-driver.js";
import { type OpenLibtorch, openLibtorch } from "./open-libtorch.js";
import { packageVersion } from "./package-root.js";

/** Something that is wrong. `fatal`: training cannot start. */
export interface Problem {
  readonly what: string;
  readonly mend: string;
  readonly fatal: boolean;
}

export interface CudaDevice {
  readonly index: number;
  readonly name: string;
  readonly memoryBytes: number;
  /** For example "9.0". */
  readonly computeCapability: string;
}

/** Whether the engine's own kernels can be compiled for a CUDA device. */
export interface DeviceKernels {
  /** Of the device. */
  readonly index: number;
  /** Why not; null: they can. */
  readonly missing: string | null;
}

/** What the engine says of the machine. */
interface Machine {
  readonly cudaDevices: readonly CudaDevice[];
  readonly cores: number;
  readonly bf16: boolean;
  readonly avx512: boolean;
  readonly torchVersion: string;
}

export interface Diagnosis {
  /** Whether training can start. */
  readonly ready: boolean;
  readonly version: string;
  readonly node: string;
  /** File of the addon; null: not built. */
  readonly addon: string | null;
  readonly libtorch: Libtorch | null;
  /** Folders that were looked at and do not fit. */
  readonly passedOver: readonly Rejection[];
  /** What the engine sees; null where it could not be loaded. */
  readonly machine: Machine | null;
  /** One for each CUDA device. */
  readonly cudaKernels: readonly DeviceKernels[];
  readonly nvidiaDriver: boolean;
  /** sharp's version and that of libvips. */
  readonly sharp: { readonly version: string; readonly vips: string };
  readonly threads: { readonly cores: number; readonly libvips: number; readonly libuv: number };
  readonly problems: readonly Problem[];
}

/** Opens libtorch and the addon as training would. Never throws for what it finds: that is in `problems`. */
export async function examine(env: NodeJS.ProcessEnv = process.env): Promise<Diagnosis> {
  const problems: Problem[] = [...nodeProblem()];
  const { found, rejected } = findLibtorch({ env });
  const opened = attempt(problems, openLibtorch);
  const addon = addonFile();
  const machine = await loadMachine(problems);
  if (opened !== null) problems.push(...cudaProblem(opened, machine));
  const cudaKernels = await compiledKernels(machine?.cudaDevices ?? []);
  problems.push(...kernelProblems(cudaKernels));
  return {
    ready: !problems.some(({ fatal }) => fatal),
    version: packageVersion(),
    node: process.versions.node,
    addon,
    libtorch: opened?.libtorch ?? found,
    passedOver: rejected,
    machine,
    cudaKernels,
    nvidiaDriver: hasNvidiaDriver(),
    sharp: { version: sharp.versions.sharp ?? "unknown", vips: sharp.versions.vips },
    threads: { cores: availableParallelism(), libvips: sharp.concurrency(), libuv: libuvThreads(env) },
    problems,
  };
}

function nodeProblem(): Problem[] {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return [];
  const what = `Node: expected 20.19 or newer, found ${process.versions.node}`;
  return [{ what, mend: "install a newer Node, then npm install", fatal: true }];
}

/** The engine's own view; a machine without an addon has none. */
async function loadMachine(problems: Problem[]): Promise<Machine | null> {
  try {
    const { machine } = await import("./engine.js");
    return await machine();
  } catch (error) {
    note(problems, error);
    return null;
  }
}

/** A GPU that cannot be used does not stop training on the CPU. */
function cudaProblem(opened: OpenLibtorch, machine: Machine | null): Problem[] {
  const mend = "npx udi-native install-libtorch --cuda";
  if (opened.cudaProblem !== null) {
    return [{ what: `CUDA cannot be opened: ${opened.cudaProblem}`, mend, fatal: false }];
  }
  if (!opened.cuda || machine === null || machine.cudaDevices.length > 0) return [];
  const what = "CUDA is open, but no device was found: expected at least one";
  return [{ what, mend: "check nvidia-smi and CUDA_VISIBLE_DEVICES", fatal: false }];
}

/** Compiles one kernel for each device. */
export async function compiledKernels(
  devices: readonly Pick<CudaDevice, "index">[],
  ask: AskForKernels = withoutCudaKernels,
): Promise<DeviceKernels[]> {
  const kernels: DeviceKernels[] = [];
  for (const { index } of devices) {
    const missing = await ask(index).catch((error: unknown) => String(error));
    kernels.push({ index, missing });
  }
  return kernels;
}

export function kernelProblems(kernels: readonly DeviceKernels[]): Problem[] {
  return kernels.flatMap(({ index, missing }) => {
    if (missing === null) return [];
    const what = `cuda:${index}: kernels cannot be compiled for it: ${missing}`;
    const mend = `npx udi-native install-libtorch --cuda fetches what compiles them (NVRTC); ${WITHOUT_KERNELS}`;
    return [{ what, mend, fatal: false }];
  });
}

function attempt<T>(problems: Problem[], action: () => T): T | null {
  try {
    return action();
  } catch (error) {
    note(problems, error);
    return null;
  }
}

/** The same cause, met twice on the way to the engine, is one problem. */
function note(problems: Problem[], error: unknown): void {
  const what = error instanceof Error ? error.message : String(error);
  if (problems.some((problem) => problem.what === what)) return;
  const hint = error instanceof UdiError ? error.hint : undefined;
  problems.push({ what, mend: hint ?? "npm run build", fatal: true });
}

/** Node's own default is 4. */
function libuvThreads(env: NodeJS.ProcessEnv): number {
  return Number(env.UV_THREADPOOL_SIZE ?? 4);
}
