/** A configuration file and everything that it extends. */
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ConfigError, received } from "../errors.js";
import { builtInFile, builtInNames, displayName } from "./built-in.js";
import type { Layer } from "./layer.js";
import { nearestName } from "./nearest-key.js";
import { readYaml } from "./read-yaml.js";

/**
 * Layers of a file, the most general first: `configs/defaults.yaml` is below all. A name is a path, relative to `folder`,
 * or that of a built-in configuration; an existing file goes first.
 */
export function fileLayers(name: string, folder: string): readonly Layer[] {
  return layersOf(findConfig(name, folder, "config"), []);
}

/** `above`: the files that led here by `extends`. */
function layersOf(file: string, above: readonly string[]): readonly Layer[] {
  const { values, places } = readYaml(readText(file), displayName(file));
  const { extends: base, ...rest } = values;
  const layer = { values: rest, places };
  const below = baseFile(file, base, `extends (${places.get("extends")})`);
  if (below === null) return [layer];
  const chain = [...above, file];
  if (chain.includes(below)) {
    const circle = [...chain, below].map(displayName).join(" -> ");
    throw new ConfigError(`extends: expected an end, received a circle: ${circle}`);
  }
  return [...layersOf(below, chain), layer];
}

/** What a file builds on; null for the defaults, which build on nothing. */
function baseFile(file: string, base: unknown, asked: string): string | null {
  if (typeof base === "string") return findConfig(base, dirname(file), asked);
  if (base !== undefined) {
    throw new ConfigError(`${asked}: expected a path or the name of a built-in, received ${received(base)}`);
  }
  const defaults = realpathSync(builtInFile("defaults"));
  return file === defaults ? null : defaults;
}

function findConfig(name: string, folder: string, asked: string): string {
  const path = resolve(folder, name);
  if (statSync(path, { throwIfNoEntry: false })?.isFile()) return realpathSync(path);
  const names = builtInNames();
  if (names.includes(name)) return realpathSync(builtInFile(name));
  const nearest = nearestName(name, names);
  const hint = nearest === null ? `built-in configurations: ${names.join(", ")}` : `did you mean ${nearest}?`;
  throw new ConfigError(`${asked}: expected a file or a built-in configuration, received ${received(name)}`, {
    hint,
  });
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError(`${displayName(file)}: expected a readable file: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
