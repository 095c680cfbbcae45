/** Names of what a run leaves in its folder, and `config.yaml`. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parse } from "yaml";
import type { ResolvedConfig } from "../config/resolved.js";
import { configYaml } from "../config/written.js";
import { RunError } from "../errors.js";

export const RUN_FILES = {
  config: "config.yaml",
  environment: "environment.json",
  metrics: "metrics.jsonl",
  skipped: "skipped.jsonl",
  evaluations: "evaluations.jsonl",
  watch: "watch.jsonl",
  checkpoints: "checkpoints",
  tensorboard: "tensorboard",
  pictures: "pictures",
  requeue: "requeue",
  lock: "run.lock",
} as const;

const HEADING = `# What ran, nothing left to choose. This file is itself a configuration: "udi-native train <this file> --resume"
# goes on with the run, with --out DIR in place of --resume the same run starts anew.
`;

/** Text of `config.yaml`. Its paths are absolute, so that it means the same wherever a command is given. */
export function configText(config: ResolvedConfig): string {
  const { output, init, data, evaluate } = config;
  const knn = {
    ...evaluate.knn,
    heldOut: absolute(evaluate.knn.heldOut),
    train: absolute(evaluate.knn.train),
  };
  const settled = {
    ...config,
    output: resolve(output),
    init: absolute(init),
    data: { ...data, path: absolute(data.path) },
    evaluate: { ...evaluate, knn },
  };
  return HEADING + configYaml(settled);
}

function absolute(path: string | null): string | null {
  return path === null ? null : resolve(path);
}

/** What `config.yaml` in a run's folder holds. */
export async function readConfig(folder: string): Promise<Record<string, unknown>> {
  const file = join(folder, RUN_FILES.config);
  try {
    const value: unknown = parse(await readFile(file, "utf8"));
    if (typeof value === "object" && value !== null) return value as Record<string, unknown>;
  } catch (cause) {
    throw damaged(file, cause);
  }
  throw damaged(file);
}

function damaged(file: string, cause?: unknown): RunError {
  const reason = cause instanceof Error ? `: ${cause.message.split("\n")[0]}` : "";
  return new RunError(`${file}: expected the configuration of a run, received something else${reason}`, {
    hint: "start a run with another --out",
    cause,
  });
}
