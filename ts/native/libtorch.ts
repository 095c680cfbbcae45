/** Finds libtorch on this machine. Nothing is fetched here. */
import { existsSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { InstallError } from "../errors.js";
import { inspectFolder, LIBTORCH_VERSION, type Libtorch, type LibtorchSource } from "./libtorch-folder.js";
import { hasNvidiaDriver } from "./nvidia-driver.js";
import { packageRoot } from "./package-root.js";
import { pythons, torchOf } from "./python.js";

/** A folder that was looked at and does not fit. */
export interface Rejection {
  readonly source: LibtorchSource;
  readonly path: string;
  readonly reason: string;
}

export interface LibtorchSearch {
  readonly found: Libtorch | null;
  readonly rejected: readonly Rejection[];
}

export interface SearchOptions {
  /** Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Pass over a libtorch that cannot use a GPU if a later one can. Default: whether there is an NVIDIA driver. */
  readonly preferCuda?: boolean;
}

interface Candidate {
  readonly source: LibtorchSource;
  readonly path: string;
}

/** The folder into which libtorch is fetched: `$XDG_CACHE_HOME/udi-native/libtorch-2.11.0`. */
export function libtorchCache(env: NodeJS.ProcessEnv = process.env): string {
  const cache = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  return join(cache, "udi-native", `libtorch-${LIBTORCH_VERSION}`);
}

/**
 * Looks in `UDI_LIBTORCH`, `LIBTORCH`, the cache and the torch of Python environments, in this order. `UDI_LIBTORCH` was
 * set for udi-native alone: where it is set nothing else is looked at, and one that does not fit is not passed over.
 */
export function findLibtorch(options: SearchOptions = {}): LibtorchSearch {
  const env = options.env ?? process.env;
  const preferCuda = options.preferCuda ?? hasNvidiaDriver();
  const rejected: Rejection[] = [];
  let second: Libtorch | null = null;
  for (const candidate of candidates(env)) {
    const libtorch = inspectFolder(candidate.path, candidate.source);
    if (typeof libtorch === "string") rejected.push({ ...candidate, reason: libtorch });
    else if (libtorch.cudaReady || !preferCuda || candidate.source === "UDI_LIBTORCH") {
      return { found: libtorch, rejected };
    } else second ??= libtorch;
  }
  return { found: second, rejected };
}

/** The libtorch of this machine; an InstallError that names every folder looked at if there is none. */
export function requireLibtorch(options: SearchOptions = {}): Libtorch {
  const { found, rejected } = findLibtorch(options);
  if (found !== null) return found;
  const looked = rejected.map(describeRejection).join("; ");
  const named = rejected.some(({ source }) => source === "UDI_LIBTORCH");
  throw new InstallError(`libtorch ${LIBTORCH_VERSION} was not found${looked && `: ${looked}`}`, {
    hint: named ? "unset UDI_LIBTORCH, or set it to a folder that fits" : "npx udi-native install-libtorch",
  });
}

/** `UDI_LIBTORCH=/opt/torch: expected …, found …` */
export function describeRejection({ source, path, reason }: Rejection): string {
  const name = source === "cache" || source === "python" ? `${source} ${path}` : `${source}=${path}`;
  return `${name}: ${reason}`;
}

/** Lazily, because asking a Python takes longer than all the rest. */
function* candidates(env: NodeJS.ProcessEnv): Generator<Candidate> {
  if (env.UDI_LIBTORCH) {
    yield { source: "UDI_LIBTORCH", path: env.UDI_LIBTORCH };
    return;
  }
  if (env.LIBTORCH && !isLinkView(env.LIBTORCH)) yield { source: "LIBTORCH", path: env.LIBTORCH };
  const cache = libtorchCache(env);
  if (existsSync(cache)) yield { source: "cache", path: cache };
  for (const python of pythons(env)) {
    const path = torchOf(python, env);
    if (path !== null) yield { source: "python", path };
  }
}

/** Cargo sets LIBTORCH to the link view for its own children: it shows another libtorch, and is none itself. */
function isLinkView(path: string): boolean {
  const view = join(packageRoot, "target", "link-view");
  return existsSync(path) && existsSync(view) && realpathSync(path) === realpathSync(view);
}
