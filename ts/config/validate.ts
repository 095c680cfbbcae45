/** Merged values -> Config; everything that the schema objects to becomes one error. */
import { z } from "zod";
import { expectedText } from "./fields.js";
import { isTree, type Layer } from "./layer.js";
import { nearestKey } from "./nearest-key.js";
import { configError, expectation, type Problem } from "./problems.js";
import { type Config, configSchema, knownKeys } from "./schema.js";

/** Checks keys, types and ranges. */
export function validated({ values, places }: Layer): Config {
  const parsed = configSchema.safeParse(values);
  const problems = [
    ...unknownKeys(values),
    ...(parsed.success ? [] : wrongValues(values, parsed.error.issues)),
  ];
  if (problems.length > 0 || !parsed.success) throw configError(problems, places);
  return parsed.data;
}

/** Found by walking the values, not by zod's issues: zod passes over a key named `__proto__`. */
function unknownKeys(
  values: unknown,
  schema: z.core.$ZodType = configSchema,
  prefix = "",
): readonly Problem[] {
  if (Array.isArray(values))
    return values.flatMap((value, at) => unknownPartKeys(value, schema, `${prefix}${at}`));
  if (!(schema instanceof z.ZodObject) || !isTree(values)) return [];
  return Object.entries(values).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    if (!Object.hasOwn(schema.shape, key)) return [unknownKey(path)];
    return unknownKeys(value, schema.shape[key], `${path}.`);
  });
}

/** Of an item of a list. */
function unknownPartKeys(value: unknown, schema: z.core.$ZodType, path: string): readonly Problem[] {
  const list = schema instanceof z.ZodNullable ? schema.unwrap() : schema;
  const item = list instanceof z.ZodArray ? list.element : null;
  if (!(item instanceof z.ZodObject) || !isTree(value)) return [];
  const known = Object.keys(item.shape);
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  return unknown.map((key) => ({
    path: `${path}.${key}`,
    text: `unknown key; known are ${known.join(", ")}`,
  }));
}

function unknownKey(path: string): Problem {
  const nearest = nearestKey(path, knownKeys());
  if (nearest === path)
    return { path, text: "unknown key: dots are for --set; in a file, sections are nested maps" };
  return {
    path,
    text: nearest === null ? "unknown key" : `unknown key; the nearest known one is ${nearest}`,
  };
}

/** One problem for each key, however many issues zod has with parts of its value. */
function wrongValues(values: unknown, issues: readonly z.core.$ZodIssue[]): readonly Problem[] {
  const wrong = issues.filter(({ code }) => code !== "unrecognized_keys");
  const problems = wrong.map((issue) => wrongValue(values, issue.path.map(String)));
  return [...new Map(problems.map((problem) => [problem.path, problem])).values()];
}

/** Walks down to the key that the issue is about: issues may point into its value. */
function wrongValue(values: unknown, path: readonly string[]): Problem {
  let schema: z.core.$ZodType = configSchema;
  let value = values;
  const keys: string[] = [];
  for (const key of path) {
    if (!(schema instanceof z.ZodObject)) break;
    schema = schema.shape[key];
    value = isTree(value) ? value[key] : undefined;
    keys.push(key);
  }
  return { path: keys.join("."), text: expectation(expectedText(schema), value) };
}
