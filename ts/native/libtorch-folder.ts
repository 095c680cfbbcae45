/** What a folder that may hold libtorch holds: its version, its libraries and NVIDIA's beside it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

/** The release that the addon is compiled against. */
export const LIBTORCH_VERSION = "2.11.0";

/** Where a libtorch was found. */
export type LibtorchSource = "UDI_LIBTORCH" | "LIBTORCH" | "cache" | "python";

/** A libtorch that fits. */
export interface Libtorch {
  readonly source: LibtorchSource;
  /** Folder with `include` and `lib`. */
  readonly root: string;
  /** Folder of `libtorch_cpu.so`. */
  readonly lib: string;
  /** As it names itself, for example `2.11.0+cu130`. */
  readonly version: string;
  /** Folders of NVIDIA's libraries beside it; none for a CPU build. */
  readonly cudaFolders: readonly string[];
  /** Whether all that a GPU needs is there, except the driver. */
  readonly cudaReady: boolean;
}

/** Libraries that `libtorch_cuda.so` opens, by the start of their file names. */
const CUDA_LIBRARIES = ["libcublas.", "libcudnn.", "libcufft.", "libcurand.", "libcusolver.", "libcusparse."];

/**
 * Looks at a folder: a libtorch (`lib`, `include`), or one that holds it as `torch` (the cache, site-packages).
 * Returns the libtorch, or the reason why it is none that fits.
 */
export function inspectFolder(path: string, source: LibtorchSource): Libtorch | string {
  const outer = resolve(path);
  const root = existsSync(join(outer, "torch", "lib")) ? join(outer, "torch") : outer;
  const lib = join(root, "lib");
  if (!existsSync(join(lib, "libtorch_cpu.so"))) return "expected lib/libtorch_cpu.so in it, found none";
  if (!existsSync(join(root, "include"))) return "expected the headers in its folder include, found none";
  const version = readVersion(root);
  if (version?.split("+")[0] !== LIBTORCH_VERSION) {
    return `expected libtorch ${LIBTORCH_VERSION}, found ${version ?? "one without a version"}`;
  }
  const cudaFolders = nvidiaFolders(dirname(root));
  return { source, root, lib, version, cudaFolders, cudaReady: hasCuda(lib, cudaFolders) };
}

/** First file of a library of libtorch or NVIDIA whose name begins with `stem`, or null. */
export function findLibrary(libtorch: Pick<Libtorch, "lib" | "cudaFolders">, stem: string): string | null {
  for (const folder of [libtorch.lib, ...libtorch.cudaFolders]) {
    const name = readdirSync(folder).find((file) => file.startsWith(stem) && file.includes(".so"));
    if (name !== undefined) return join(folder, name);
  }
  return null;
}

/** Wheels say it in `version.py`, the plain distribution of libtorch in `build-version`. */
function readVersion(root: string): string | null {
  const wheel = join(root, "version.py");
  if (existsSync(wheel)) return /__version__ = '([^']+)'/.exec(readFileSync(wheel, "utf8"))?.[1] ?? null;
  const plain = join(root, "build-version");
  return existsSync(plain) ? readFileSync(plain, "utf8").trim() : null;
}

/** `nvidia/<part>/lib` of the folder that holds `torch`. */
function nvidiaFolders(packages: string): string[] {
  const nvidia = join(packages, "nvidia");
  if (!existsSync(nvidia)) return [];
  return readdirSync(nvidia)
    .map((part) => join(nvidia, part, "lib"))
    .filter((folder) => existsSync(folder));
}

function hasCuda(lib: string, cudaFolders: readonly string[]): boolean {
  if (!existsSync(join(lib, "libtorch_cuda.so"))) return false;
  return CUDA_LIBRARIES.every((stem) => findLibrary({ lib, cudaFolders }, stem) !== null);
}
