/**
 * Opens libtorch before the addon is loaded. Its libraries, opened by absolute path with global symbols, are what the
 * addon's own entries then resolve to: no LD_LIBRARY_PATH. Node's `process.dlopen` would not do, since it closes a
 * library that registers no module.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import koffi from "koffi";
import { InstallError } from "../errors.js";
import { requireLibtorch } from "./libtorch.js";
import { findLibrary, type Libtorch } from "./libtorch-folder.js";
import { hasNvidiaDriver } from "./nvidia-driver.js";

/** The libtorch that this process uses. */
export interface OpenLibtorch {
  readonly libtorch: Libtorch;
  /** Whether its CUDA half is open. */
  readonly cuda: boolean;
  /** Why CUDA could not be opened though there is a driver; null: nothing went wrong. */
  readonly cudaProblem: string | null;
}

/** Dependencies first; those that a CPU build does not have are passed over. */
const ORDER = ["libcudart", "libcupti", "libgomp", "libc10.so", "libtorch_cpu.so"];

/** Handles are kept: a library must stay open as long as the addon lives. */
const handles: unknown[] = [];
let opened: OpenLibtorch | undefined;

/** Finds libtorch and opens it, once per process. Throws InstallError if there is none or it cannot be opened. */
export function openLibtorch(): OpenLibtorch {
  opened ??= open(requireLibtorch());
  return opened;
}

function open(libtorch: Libtorch): OpenLibtorch {
  for (const stem of ORDER) openStem(libtorch, stem);
  if (!hasNvidiaDriver()) return { libtorch, cuda: false, cudaProblem: null };
  const cudaProblem = openCuda(libtorch);
  return { libtorch, cuda: cudaProblem === null, cudaProblem };
}

function openStem(libtorch: Libtorch, stem: string): void {
  const file = findLibrary(libtorch, stem);
  if (file === null) return;
  try {
    openGlobally(file);
  } catch (cause) {
    throw new InstallError(`libtorch at ${libtorch.root}: ${file} cannot be opened: ${reasonOf(cause)}`, {
      hint: "npx udi-native install-libtorch",
      cause,
    });
  }
}

/** Opening `libtorch_cuda.so` registers CUDA with libtorch; it finds its own dependencies by its run path. */
function openCuda(libtorch: Libtorch): string | null {
  const file = join(libtorch.lib, "libtorch_cuda.so");
  if (!existsSync(file)) return `libtorch ${libtorch.version} is a build without CUDA`;
  try {
    openGlobally(file);
    return null;
  } catch (cause) {
    return reasonOf(cause);
  }
}

function openGlobally(file: string): void {
  handles.push(koffi.load(file, { lazy: true, global: true }));
}

function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
