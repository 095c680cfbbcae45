/** JSON Schema for editors: the zod schema, with meanings and defaults taken from configs/defaults.yaml. */
import { readFileSync } from "node:fs";
import { isMap, isScalar, parseDocument, type YAMLMap } from "yaml";
import { z } from "zod";
import { builtInFile } from "./built-in.js";
import { configSchema } from "./schema.js";

type JsonSchema = z.core.JSONSchema.BaseSchema;

const EXTENDS: JsonSchema = {
  type: "string",
  description: "Configuration below this one: a path relative to this file, or the name of a built-in one.",
  default: "defaults",
};

/** Every key may be left out, as the defaults lie below every file. */
export function editorSchema(): JsonSchema {
  const schema = z.toJSONSchema(configSchema, { target: "draft-07", io: "input" });
  const { contents } = parseDocument(readFileSync(builtInFile("defaults"), "utf8"));
  const explained = isMap(contents) ? withComments(schema, contents) : schema;
  return { ...explained, properties: { extends: EXTENDS, ...explained.properties } };
}

function withComments({ required: _required, ...schema }: JsonSchema, map: YAMLMap): JsonSchema {
  const comments = keyComments(map);
  const properties = Object.entries(schema.properties ?? {}).map(([key, property]) => {
    const value = map.get(key, true);
    const inner = isMap(value) ? withComments(property as JsonSchema, value) : (property as JsonSchema);
    const initial = isMap(value) ? {} : { default: map.toJSON()[key] };
    return [key, { description: comments.get(key), ...inner, ...initial }];
  });
  return { ...schema, properties: Object.fromEntries(properties) };
}

/** The comment above each key. The parser gives the one above the first key to the map. */
export function keyComments(map: YAMLMap): ReadonlyMap<string, string> {
  const comments = map.items.map(({ key }, index): [string, string] => {
    const own = isScalar(key) ? key.commentBefore : undefined;
    const comment = index === 0 ? (own ?? map.commentBefore) : own;
    return [String(key), sentence(comment ?? "")];
  });
  return new Map(comments);
}

/** The last paragraph (above it may stand the head of the file), its wrapped lines joined. */
function sentence(comment: string): string {
  const paragraph = comment.split(/\n\s*\n/).at(-1) ?? "";
  return paragraph.replace(/\s+/g, " ").trim();
}
