/** The runs below a folder. */
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { RunError } from "../errors.js";
import { RUN_FILES } from "../run/run-files.js";

export interface RunPlace {
  /** Path from the folder that was searched; its own name where that is the run itself. */
  readonly name: string;
  /** Absolute. */
  readonly folder: string;
}

/** Runs lie at most so many folders deep. */
const DEPTH = 4;

/** What stands beside `config.yaml` as soon as a run has begun: any YAML could be called that. */
const OTHERS = [RUN_FILES.environment, RUN_FILES.metrics, RUN_FILES.checkpoints, RUN_FILES.lock];

export function isRun(folder: string): boolean {
  if (!existsSync(join(folder, RUN_FILES.config))) return false;
  return OTHERS.some((name) => existsSync(join(folder, name)));
}

/** In the order of their names; links are not followed. Throws RunError where there is no such folder. */
export async function findRuns(folder: string): Promise<RunPlace[]> {
  const root = resolve(folder);
  await readdir(root).catch((cause: Error) => {
    throw new RunError(`runs: expected a folder, received ${root}: ${cause.message}`, { cause });
  });
  const found = await runsBelow(root, DEPTH);
  const places = found.map((run) => ({ name: relative(root, run) || ".", folder: run }));
  return places.sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
}

async function runsBelow(folder: string, depth: number): Promise<string[]> {
  if (isRun(folder)) return [folder];
  if (depth === 0) return [];
  // One that may not be read, or went meanwhile, holds no runs that could be shown.
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const inner = entries.filter((entry) => entry.isDirectory() && !/^\.|^node_modules$/.test(entry.name));
  const found = await Promise.all(inner.map(({ name }) => runsBelow(join(folder, name), depth - 1)));
  return found.flat();
}
