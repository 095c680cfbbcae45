/** What is wrong with a configuration, gathered into one error. */
import { ConfigError, received } from "../errors.js";
import { builtInFile } from "./built-in.js";
import type { Places } from "./layer.js";

export interface Problem {
  /** Key in dotted form. */
  readonly path: string;
  /** Expected and received. */
  readonly text: string;
  /** What to do about it, where that is not plain from the text. */
  readonly mend?: string;
}

/** One line for each problem, with the place where the key was set. */
export function configError(problems: readonly Problem[], places: Places): ConfigError {
  const lines = problems.map(({ path, text }) => `${path}: ${text}${placeOf(path, places)}`);
  const mends = problems.flatMap(({ mend }) => (mend === undefined ? [] : [mend]));
  const hint =
    mends.length > 0
      ? [...new Set(mends)].join("\n")
      : `every key is explained in ${builtInFile("defaults")}`;
  return new ConfigError(withCount(lines), { hint });
}

/** `expected …, received …` */
export function expectation(expected: string, value: unknown): string {
  return `expected ${expected}, received ${shown(value)}`;
}

/** No problem where it holds. */
export function unless(
  holds: boolean,
  path: string,
  expected: string,
  value: unknown,
  mend?: string,
): readonly Problem[] {
  if (holds) return [];
  return [{ path, text: expectation(expected, value), ...(mend === undefined ? {} : { mend }) }];
}

function withCount(lines: readonly string[]): string {
  if (lines.length === 1) return String(lines[0]);
  return [`${lines.length} problems in the configuration`, ...lines].join("\n  ");
}

function placeOf(path: string, places: Places): string {
  const place = places.get(path);
  return place === undefined ? "" : ` (${place})`;
}

/** JSON has no word for numbers that are not finite. */
function shown(value: unknown): string {
  return typeof value === "number" && !Number.isFinite(value) ? String(value) : received(value);
}
