/** Kinds of values that the schema is made of; each knows in words what it expects, for error messages. */
import { z } from "zod";

const expectations = z.registry<{ expected: string }>();

/** Limits of a number; `above` and `below` leave the limit itself out. */
export interface Limits {
  readonly min?: number;
  readonly above?: number;
  readonly max?: number;
  readonly below?: number;
}

/** What a value of this schema must be, in words. */
export function expectedText(schema: z.core.$ZodType): string {
  return expectations.get(schema)?.expected ?? "another value";
}

export function described<S extends z.ZodType>(schema: S, expected: string): S {
  expectations.add(schema, { expected });
  return schema;
}

/** A map of keys; any other key is an error. */
export function section<S extends z.core.$ZodLooseShape>(keys: S) {
  return described(z.strictObject(keys), `a map with the keys ${Object.keys(keys).join(", ")}`);
}

export function wholeNumber(limits: Limits) {
  return described(within(z.int(), limits), `a whole number ${interval(limits)}`);
}

export function realNumber(limits: Limits) {
  return described(within(z.number(), limits), `a number ${interval(limits)}`);
}

/** A share or a chance. */
export function fraction() {
  return realNumber({ min: 0, max: 1 });
}

/** Two numbers, the smaller one first; they may be equal. */
export function numberRange(limits: Limits) {
  const number = within(z.number(), limits);
  const ordered = z.tuple([number, number]).refine(([low, high]) => low <= high);
  return described(ordered, `two numbers ${interval(limits)}, smaller first`);
}

export function flag() {
  return described(z.boolean(), "true or false");
}

export function text(expected: string) {
  return described(z.string().min(1), expected);
}

export function oneOf<const V extends readonly string[]>(values: V) {
  return described(z.enum(values), `one of ${values.join(", ")}`);
}

export function listOf<S extends z.ZodType>(item: S) {
  return described(z.array(item).min(1), `a list, not empty, of: ${expectedText(item)}`);
}

export function orAuto<S extends z.ZodType>(schema: S) {
  return described(z.union([z.literal("auto"), schema]), `"auto" or ${expectedText(schema)}`);
}

export function orNull<S extends z.ZodType>(schema: S) {
  return described(schema.nullable(), `null or ${expectedText(schema)}`);
}

function within(schema: z.ZodNumber, { min, above, max, below }: Limits): z.ZodNumber {
  let limited = schema;
  if (min !== undefined) limited = limited.min(min);
  if (above !== undefined) limited = limited.gt(above);
  if (max !== undefined) limited = limited.max(max);
  if (below !== undefined) limited = limited.lt(below);
  return limited;
}

function interval({ min, above, max, below }: Limits): string {
  const upper = max !== undefined ? `${max}]` : below !== undefined ? `${below})` : null;
  if (upper === null) return min !== undefined ? `of at least ${min}` : `above ${above}`;
  return `in ${min !== undefined ? `[${min}` : `(${above}`}, ${upper}`;
}
