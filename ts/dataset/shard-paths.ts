/** Which tar files a user means: one file, a folder of them, or a pattern. */
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { expand } from "brace-expansion";
import { glob } from "tinyglobby";
import { DataError } from "../errors.js";
import { explained } from "./data-path-error.js";
import { compareNames, isHiddenName } from "./image-names.js";
import { inParallel } from "./in-parallel.js";

export function isTarName(name: string): boolean {
  return /\.tar$/i.test(name);
}

/** Whether a path can be a pattern; a file whose own name has such signs goes before. */
export function isPattern(path: string): boolean {
  return /[{}*?[\]]/.test(path);
}

/**
 * Absolute paths, sorted. Braces name each of their files, and a missing one is an error: `train-{000..146}.tar`. Other
 * patterns take what is there: `train-*.tar`. Throws DataError where nothing is found.
 */
export async function shardPaths(path: string): Promise<readonly string[]> {
  const status = await stat(path).catch(() => null);
  if (status?.isDirectory()) return inFolder(path);
  if (status !== null || !isPattern(path)) return [path];
  const named = (await Promise.all(expand(path).map(matches))).flat();
  return [...new Set(named)].sort(compareNames);
}

async function inFolder(folder: string): Promise<readonly string[]> {
  const names = await explained(folder, "a folder of tar shards", () => readdir(folder));
  const shards = names.filter((name) => isTarName(name) && !isHiddenName(name)).sort(compareNames);
  if (shards.length > 0) return shards.map((name) => join(folder, name));
  throw new DataError(`data shards ${folder}: expected .tar files in the folder, found none`, {
    hint: "compressed archives must be unpacked to .tar first",
  });
}

/** One alternative of a pattern: itself, unless it still holds signs of a glob. */
async function matches(path: string): Promise<readonly string[]> {
  if (!/[*?[\]]/.test(path)) return [path];
  const found = await glob(path, { absolute: true, dot: false, expandDirectories: false });
  if (found.length > 0) return found.map((file) => resolve(file));
  throw new DataError(`data shards ${path}: expected .tar files by this pattern, found none`, {
    hint: `look into ${dirname(path)}; put the pattern in quotes, so that the shell leaves it alone`,
  });
}

/** Throws DataError, which names how many shards are missing. */
export async function requireShards(shards: readonly string[], pattern: string): Promise<void> {
  const there = await inParallel(shards, (shard) =>
    stat(shard).then(
      (status) => status.isFile(),
      () => false,
    ),
  );
  const missing = shards.filter((_, at) => !there[at]);
  if (missing.length === 0) return;
  const [first] = missing;
  const what =
    shards.length === 1
      ? ""
      : `, ${missing.length} of ${shards.length} are missing, the first is ${basename(first as string)}`;
  throw new DataError(`data shards ${pattern}: expected tar files, but they do not exist${what}`, {
    hint: "check the path and the numbers in braces: {000..146} stands for 000, 001, … 146",
  });
}
