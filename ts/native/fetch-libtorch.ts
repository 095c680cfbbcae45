/** Fetches libtorch into the cache folder, whole or not at all. The only place of udi-native that downloads. */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { InstallError } from "../errors.js";
import { cudaRequirements, torchMetadata } from "./cuda-requirements.js";
import { libtorchCache } from "./libtorch.js";
import { inspectFolder, LIBTORCH_VERSION } from "./libtorch-folder.js";
import { type Download, downloadWheels, type Say, unpackWheels } from "./wheels.js";

/** `libtorch_cpu.so` of the torch wheel needs the two small ones even where there is no GPU. */
const SMALL_CUDA = ["nvidia-cuda-runtime==13.0.96", "nvidia-cuda-cupti==13.0.85"];
const TORCH = `torch==${LIBTORCH_VERSION}`;

/** Left in the cache by `install-libtorch --cpu`: the rest of CUDA is not wanted, though there may be a driver. */
const CPU_ONLY = "cpu-only";

export interface FetchOptions {
  /** Also what a GPU needs: about 2 GB more to download. */
  readonly cuda: boolean;
  /** An interpreter that has pip. */
  readonly python: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly say: Say;
}

/** Returns the cache folder, which then holds libtorch. Throws InstallError if something cannot be fetched. */
export async function fetchLibtorch(options: FetchOptions): Promise<string> {
  const cache = libtorchCache(options.env);
  mkdirSync(dirname(cache), { recursive: true });
  removeAbandoned(cache);
  const partial = `${cache}.${process.pid}.partial`;
  try {
    const present = typeof inspectFolder(cache, "cache") !== "string";
    if (!present) await fetchTorch(options, partial, cache);
    if (options.cuda) await fetchCuda(options, partial, cache);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  if (options.cuda) rmSync(join(cache, CPU_ONLY), { force: true });
  return cache;
}

/** Remembers that the rest of CUDA is not to be fetched. */
export function declineCuda(env?: NodeJS.ProcessEnv): void {
  writeFileSync(join(libtorchCache(env), CPU_ONLY), "");
}

/** Whether `install-libtorch --cpu` was the last word. */
export function cudaDeclined(env?: NodeJS.ProcessEnv): boolean {
  return existsSync(join(libtorchCache(env), CPU_ONLY));
}

async function fetchTorch(options: FetchOptions, partial: string, cache: string): Promise<void> {
  options.say(`fetching libtorch ${LIBTORCH_VERSION} (530 MB)`);
  const whole = await fetchInto(join(partial, "torch"), options, [TORCH, ...SMALL_CUDA], false);
  const problem = inspectFolder(whole, "cache");
  if (typeof problem === "string")
    throw new InstallError(`what pip fetched as ${TORCH} does not fit: ${problem}`);
  rmSync(cache, { recursive: true, force: true });
  renameSync(whole, cache);
  options.say(`libtorch is in ${cache}`);
}

/** The whole of CUDA replaces the two small wheels, so that a process that runs meanwhile keeps the files it opened. */
async function fetchCuda(options: FetchOptions, partial: string, cache: string): Promise<void> {
  options.say("fetching the CUDA libraries of libtorch (2 GB)");
  const requirements = cudaRequirements(torchMetadata(cache));
  if (requirements.length === 0) {
    throw new InstallError(`the torch in ${cache} names no CUDA libraries: expected a build for CUDA`, {
      hint: `remove ${cache} and run npx udi-native install-libtorch --cuda`,
    });
  }
  const whole = await fetchInto(join(partial, "cuda"), options, [...requirements, ...SMALL_CUDA], true);
  if (existsSync(join(cache, "nvidia"))) renameSync(join(cache, "nvidia"), join(partial, "replaced"));
  renameSync(join(whole, "nvidia"), join(cache, "nvidia"));
  options.say(`the CUDA libraries are in ${join(cache, "nvidia")}`);
}

async function fetchInto(
  partial: string,
  { python, env = process.env, say }: FetchOptions,
  requirements: readonly string[],
  dependencies: boolean,
): Promise<string> {
  const download: Download = { python, env, requirements, dependencies, folder: join(partial, "wheels") };
  const wheels = await downloadWheels(download, say);
  say("  unpacking");
  const whole = join(partial, "whole");
  await unpackWheels(download, wheels, whole);
  return whole;
}

/** Removes what fetches that were killed have left. */
function removeAbandoned(cache: string): void {
  const folder = dirname(cache);
  for (const name of readdirSync(folder)) {
    const pid = name.startsWith(`${basename(cache)}.`) ? /\.(\d+)\.partial$/.exec(name)?.[1] : undefined;
    if (pid !== undefined && !isAlive(Number(pid)))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`);
}
