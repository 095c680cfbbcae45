/** What a machine must have for udi-native to be installed on it; all that is missing is said at once. */
import { spawnSync } from "node:child_process";
import { existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { InstallError } from "../errors.js";
import { describeRejection, libtorchCache, type Rejection } from "../native/libtorch.js";
import { LIBTORCH_VERSION } from "../native/libtorch-folder.js";
import { packageRoot } from "../native/package-root.js";
import { pythonWithPip } from "../native/python.js";

/** One thing that is missing, and the line that mends it. */
export interface Missing {
  readonly what: string;
  readonly mend: string;
}

/** What the installation is going to do. */
export interface InstallNeeds {
  /** Compile the addon. */
  readonly compile: boolean;
  /** Gigabytes that fetching takes at its largest; 0: nothing is fetched. */
  readonly fetchGigabytes: number;
  /** A libtorch named by UDI_LIBTORCH that does not fit. */
  readonly refused: Rejection | null;
}

const RUST: readonly [number, number] = [1, 89];
const BUILD_GIGABYTES = 2;

/** Everything that is missing for these needs, in the order in which it would be needed. */
export function missingRequirements(needs: InstallNeeds, env: NodeJS.ProcessEnv = process.env): Missing[] {
  const fetching = needs.fetchGigabytes > 0;
  const checks = [
    needs.refused && refusedLibtorch(needs.refused),
    fetching ? missingPip(env) : null,
    fetching ? missingSpace(libtorchCache(env), needs.fetchGigabytes) : null,
    needs.compile ? missingRust(env) : null,
    needs.compile ? missingCompiler(env) : null,
    needs.compile ? missingSpace(packageRoot, BUILD_GIGABYTES) : null,
  ];
  return checks.filter((missing) => missing !== null);
}

/** Throws one InstallError that lists everything missing, each with its mend. */
export function requireAll(missing: readonly Missing[]): void {
  if (missing.length === 0) return;
  const lines = missing.map(({ what, mend }) => `  - ${what}\n      ${mend}`);
  const count = missing.length === 1 ? "one thing is" : `${missing.length} things are`;
  throw new InstallError(`udi-native cannot be installed yet, ${count} missing:\n${lines.join("\n")}`);
}

function refusedLibtorch(rejection: Rejection): Missing {
  return {
    what: `libtorch: ${describeRejection(rejection)}`,
    mend: `set UDI_LIBTORCH to the folder of a libtorch ${LIBTORCH_VERSION}, or unset it to have one found or fetched`,
  };
}

function missingRust(env: NodeJS.ProcessEnv): Missing | null {
  const [major, minor] = RUST;
  const version = answer("cargo", ["--version"], env);
  const [, foundMajor, foundMinor] = /cargo (\d+)\.(\d+)/.exec(version ?? "") ?? [];
  const isNew = Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor);
  if (isNew) return null;
  const mend =
    version === null
      ? "install Rust (stable) with rustup, then open a new shell: https://rustup.rs"
      : "rustup update stable";
  return { what: `Rust: expected cargo ${major}.${minor} or newer, found ${version ?? "none"}`, mend };
}

/** Compiles a line of C++17 with the compiler that cargo's build scripts will take. */
function missingCompiler(env: NodeJS.ProcessEnv): Missing | null {
  const compiler = env.CXX || "c++";
  const args = ["-std=c++17", "-fsyntax-only", "-x", "c++", "-"];
  const source = "#include <optional>\nstd::optional<int> value;\n";
  const found = answer(compiler, ["--version"], env) !== null;
  if (answer(compiler, args, env, source) !== null) return null;
  const received = found ? "one that does not compile it" : "none";
  return {
    what: `C++: expected a compiler for C++17 named ${compiler}, found ${received}`,
    mend: "sudo apt-get install g++    (or the package of your system: gcc-c++, clang)",
  };
}

function missingPip(env: NodeJS.ProcessEnv): Missing | null {
  if (pythonWithPip(env) !== null) return null;
  return {
    what: `libtorch ${LIBTORCH_VERSION} is not on this machine, and to fetch it: expected Python 3 with pip, found none`,
    mend: "sudo apt-get install python3-pip    (or set UDI_LIBTORCH or UDI_PYTHON)",
  };
}

function missingSpace(folder: string, gigabytes: number): Missing | null {
  const place = existingFolder(folder);
  const { bavail, bsize } = statfsSync(place);
  const free = (bavail * bsize) / 1e9;
  if (free >= gigabytes) return null;
  return {
    what: `disk: expected ${gigabytes} GB free for ${folder}, found ${free.toFixed(1)} GB`,
    mend: `free some space there${folder === place ? "" : ", or set XDG_CACHE_HOME to a folder on a larger disk"}`,
  };
}

function existingFolder(folder: string): string {
  return existsSync(folder) ? folder : existingFolder(dirname(folder));
}

/** First line that a program prints, or null where it cannot be run or fails. */
function answer(program: string, args: readonly string[], env: NodeJS.ProcessEnv, input = ""): string | null {
  const done = spawnSync(program, args, { env, input, encoding: "utf8" });
  return done.status === 0 ? (done.stdout.split("\n")[0] ?? "") : null;
}
