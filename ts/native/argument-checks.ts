/**
 * Checks of what a caller of the native engine passes. Each returns a plain value of its kind, so that nothing but
 * numbers, strings and typed arrays reaches the addon; ranges and lengths that the engine knows better are left to it.
 */
import { isFloat32Array, isInt32Array, isUint8Array } from "node:util/types";
import { ArgumentError } from "../errors.js";

/** Largest count or side: far above any that fits in memory, and within what the addon takes. */
export const LARGEST_COUNT = 2 ** 31 - 1;

/** Properties of an object that are still to be checked. */
export type Unchecked = Readonly<Record<string, unknown>>;

export function refuse(name: string, expected: string, value: unknown): ArgumentError {
  return new ArgumentError(`${name}: expected ${expected}, received ${described(value)}`);
}

/** A value in a few words, of bounded length. */
export function described(value: unknown): string {
  if (value === undefined) return "nothing";
  if (typeof value === "string") return shortened(JSON.stringify(value));
  if (typeof value === "bigint") return shortened(`${value}n`);
  if (typeof value === "function") return "a function";
  if (typeof value !== "object" || value === null) return shortened(String(value));
  if (ArrayBuffer.isView(value)) return describedView(value);
  return Array.isArray(value) ? `an array of length ${value.length}` : "an object";
}

function shortened(text: string): string {
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Name and length as the language has them, whatever a subclass says. */
function describedView(view: ArrayBufferView): string {
  const name: unknown = Reflect.get(typedArray, Symbol.toStringTag, view);
  if (typeof name !== "string") return `DataView of length ${view.byteLength}`;
  return `${name} of length ${Reflect.get(typedArray, "length", view)}`;
}

const typedArray: object = Object.getPrototypeOf(Uint8Array.prototype);

export function record(name: string, value: unknown): Unchecked {
  if (typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value)) {
    return value as Unchecked;
  }
  throw refuse(name, "an object", value);
}

/** A new array of checked entries; of exactly `length`, if it is given. */
export function list<T>(
  name: string,
  value: unknown,
  entry: (name: string, value: unknown) => T,
  length?: number,
): T[] {
  if (!Array.isArray(value)) throw refuse(name, "an array", value);
  if (length !== undefined && value.length !== length) {
    throw refuse(name, `an array of length ${length}`, value);
  }
  const entries: T[] = [];
  // By index: an array may have an iterator of its own, and one with a billion holes fails at the first.
  for (let index = 0; index < value.length; index++) entries.push(entry(`${name}[${index}]`, value[index]));
  return entries;
}

export function wholeNumber(name: string, value: unknown, from = 0, to = LARGEST_COUNT): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= from && value <= to) return value;
  throw refuse(name, from === to ? String(from) : `a whole number from ${from} to ${to}`, value);
}

export function finiteNumber(name: string, value: unknown): number {
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw refuse(name, "a finite number", value);
}

export function truth(name: string, value: unknown): boolean {
  if (typeof value === "boolean") return value;
  throw refuse(name, "true or false", value);
}

export function choice<T extends string>(name: string, value: unknown, choices: readonly T[]): T {
  const found = choices.find((candidate) => candidate === value);
  if (found !== undefined) return found;
  throw refuse(name, choices.join(", "), value);
}

/** A path: text that can name a file. */
export function fileName(name: string, value: unknown): string {
  if (typeof value === "string" && value !== "" && !value.includes("\0")) return value;
  throw refuse(name, "the path of a file", value);
}

export function int32Array(name: string, value: unknown): Int32Array {
  if (isInt32Array(value)) return value;
  throw refuse(name, "an Int32Array", value);
}

export function float32Array(name: string, value: unknown): Float32Array {
  if (isFloat32Array(value)) return value;
  throw refuse(name, "a Float32Array", value);
}

export function byteArray(name: string, value: unknown, shape: readonly number[]): Uint8Array {
  if (!isUint8Array(value)) throw refuse(name, "a Uint8Array", value);
  requireShape(name, value, shape);
  return value;
}

/** RGB bytes or normalised floats of this shape. */
export function pixelArray(
  name: string,
  value: unknown,
  shape: readonly number[],
): Uint8Array | Float32Array {
  if (!isUint8Array(value) && !isFloat32Array(value)) {
    throw refuse(name, "a Uint8Array or a Float32Array", value);
  }
  requireShape(name, value, shape);
  return value;
}

/** A shape too large for the product to be exact fits no array either. */
function requireShape(name: string, values: Uint8Array | Float32Array, shape: readonly number[]): void {
  const length = shape.reduce((product, extent) => product * extent, 1);
  if (values.length === length) return;
  throw refuse(name, `${length} values of shape [${shape.join(", ")}]`, values);
}
