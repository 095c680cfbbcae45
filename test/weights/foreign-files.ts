/** Checkpoints of other programs, made by fixtures/make_fixtures.py, and what they hold. */
import { join } from "node:path";
import { readTensors, type Tensors } from "../safetensors-file.js";

/** A file of the folder `fixtures`. */
export function foreign(name: string): string {
  return join(import.meta.dirname, "fixtures", name);
}

export function expectedOf(name: string): Tensors {
  return readTensors(foreign(`${name}.expected.safetensors`));
}

/** Largest absolute difference. */
export function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  return Array.from(a, (value, place) => Math.abs(value - (b[place] ?? Number.NaN))).reduce(
    (largest, value) => Math.max(largest, value),
    0,
  );
}
