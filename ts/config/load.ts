/** Files, `--set`, `--data` and `--out` -> what the user wants. */
import { ConfigError, received } from "../errors.js";
import { builtInFile } from "./built-in.js";
import { keyProblems } from "./checks.js";
import { fileLayers } from "./file-layers.js";
import { type Layer, mergeLayers, singleValue } from "./layer.js";
import { rememberPlaces } from "./places.js";
import { configError } from "./problems.js";
import { readYamlValue } from "./read-yaml.js";
import type { Config } from "./schema.js";
import { validated } from "./validate.js";

export interface ConfigRequest {
  /** Path of a file or name of a built-in configuration; without it: the quickstart. */
  readonly file?: string | undefined;
  /** `key=value` with a dotted key and a YAML value; later ones win. */
  readonly set?: readonly string[] | undefined;
  /** Goes before `data.path`. */
  readonly data?: string | undefined;
  /** Goes before `output`. */
  readonly out?: string | undefined;
  /** Goes before `init`. */
  readonly init?: string | undefined;
}

/** Reads and checks a configuration. A ConfigError lists everything that is wrong, each with its place. */
export function loadConfig(request: ConfigRequest): Config {
  const files = fileLayers(request.file ?? builtInFile("quickstart"), process.cwd());
  return completed(files, request);
}

/** The same for values that come from elsewhere than a file; they lie on the defaults. */
export function loadConfigOver(values: Layer, request: Omit<ConfigRequest, "file">): Config {
  return completed([...fileLayers("defaults", process.cwd()), values], request);
}

function completed(below: readonly Layer[], request: ConfigRequest): Config {
  const merged = mergeLayers([...below, ...(request.set ?? []).map(setLayer), ...optionLayers(request)]);
  const config = validated(merged);
  const problems = keyProblems(config);
  if (problems.length > 0) throw configError(problems, merged.places);
  rememberPlaces(config, merged.places);
  return config;
}

function setLayer(assignment: string): Layer {
  const { key, value } = /^(?<key>[^=\s]+)=(?<value>.*)$/s.exec(assignment)?.groups ?? {};
  if (key === undefined || value === undefined) {
    throw new ConfigError(`--set: expected key=value, received ${received(assignment)}`, {
      hint: "for example --set training.epochs=10 --set crops.localScale='[0.05, 0.25]'",
    });
  }
  return singleValue(key, readYamlValue(value, `--set ${key}`), `--set ${key}`);
}

function optionLayers({ data, out, init }: ConfigRequest): readonly Layer[] {
  return [
    ...(data === undefined ? [] : [singleValue("data.path", data, "--data")]),
    ...(out === undefined ? [] : [singleValue("output", out, "--out")]),
    ...(init === undefined ? [] : [singleValue("init", init, "--init")]),
  ];
}
