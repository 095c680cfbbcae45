/** YAML text -> values and the place of each key; whatever is not plain YAML is an error. */
import { isMap, isScalar, LineCounter, type ParsedNode, parseDocument, type YAMLError } from "yaml";
import { ConfigError } from "../errors.js";
import { isTree, type Layer, type Tree } from "./layer.js";

/** Reads a file's text; `name` stands in messages. Duplicate keys and unknown tags are errors. */
export function readYaml(text: string, name: string): Layer {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, logLevel: "error" });
  const place = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  const mistakes = [...document.errors, ...document.warnings];
  if (mistakes.length > 0) {
    throw new ConfigError(
      mistakes.map((mistake) => `${explained(mistake, text)} (${place(mistake.pos[0])})`).join("\n  "),
    );
  }
  const values = plainValues(() => document.toJS({ maxAliasCount: 100 }), name);
  return { values, places: new Map(keyPlaces(document.contents, "", place)) };
}

/** A value as it may stand behind `--set key=`. */
export function readYamlValue(text: string, place: string): unknown {
  const document = parseDocument(text, { prettyErrors: false, logLevel: "error" });
  const mistake = [...document.errors, ...document.warnings][0];
  if (mistake !== undefined) throw new ConfigError(`${place}: not a YAML value: ${mistake.message}`);
  return document.toJS();
}

function explained(mistake: YAMLError, text: string): string {
  if (mistake.code !== "DUPLICATE_KEY") return `not valid YAML: ${mistake.message}`;
  const key = /^[^\s:]+/.exec(text.slice(mistake.pos[0]))?.[0] ?? "";
  return `${key}: expected once in its section, received again`;
}

/** An empty file holds no keys; a file that is a list or one value is an error. */
function plainValues(read: () => unknown, name: string): Tree {
  const values = attempt(read, name) ?? {};
  if (isTree(values)) return values;
  throw new ConfigError(`${name}: expected keys and values, received a file that is not a map`);
}

/** The parser refuses aliases that unfold into very many values. */
function attempt(read: () => unknown, name: string): unknown {
  try {
    return read();
  } catch (error) {
    throw new ConfigError(`${name}: not valid YAML: ${(error as Error).message}`, { cause: error });
  }
}

function keyPlaces(
  node: ParsedNode | null,
  prefix: string,
  place: (offset: number) => string,
): [path: string, place: string][] {
  if (!isMap<ParsedNode, ParsedNode | null>(node)) return [];
  return node.items.flatMap(({ key, value }) => {
    const path = `${prefix}${isScalar(key) ? String(key.value) : String(key)}`;
    return [[path, place(key.range[0])], ...keyPlaces(value, `${path}.`, place)];
  });
}
