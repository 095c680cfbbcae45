/** Labels as texts -> sorted class names and the index of each image's class. */
import { compareNames } from "./image-names.js";

export interface Labels {
  /** Sorted: as numbers where all of them are whole numbers, else by code units. */
  readonly classes: readonly string[];
  /** For each image its class; -1: unlabelled. */
  readonly labels: Int32Array;
}

/** An empty text: unlabelled. */
export function labelsOf(texts: readonly string[]): Labels {
  const classes = sortedClasses(new Set(texts.filter((text) => text !== "")));
  const numbers = new Map(classes.map((name, number) => [name, number]));
  return { classes, labels: Int32Array.from(texts, (text) => numbers.get(text) ?? -1) };
}

/** Throws RangeError for an index that is not in [0, number of images). */
export function labelAt(labels: Int32Array, index: number): number {
  const label = labels[index];
  if (label !== undefined) return label;
  throw new RangeError(`image index: expected 0 to ${labels.length - 1}, received ${index}`);
}

export function sortedClasses(names: Iterable<string>): readonly string[] {
  const classes = [...new Set(names)];
  const numeric = classes.every((name) => /^-?\d{1,15}$/.test(name));
  return classes.sort(numeric ? (a, b) => Number(a) - Number(b) || compareNames(a, b) : compareNames);
}
