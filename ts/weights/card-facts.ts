/** What a model card says of a checkpoint: gathered from its record, its run's logs, the file itself. */
import { basename, dirname, isAbsolute, join } from "node:path";
import { packageVersion } from "../native/package-root.js";
import type { NetworkName } from "../native/weights.js";
import { readJsonLines } from "../run/json-lines.js";
import type { EvaluationRecord } from "../run/records.js";
import { RUN_FILES } from "../run/run-files.js";
import type { ExportedBackbone } from "./exported-backbone.js";
import type { ExportFormat } from "./formats/export-format.js";
import type { CardFacts } from "./model-card.js";
import type { CheckpointSource } from "./open-checkpoint.js";

interface Request {
  readonly source: CheckpointSource;
  readonly network: NetworkName;
  readonly backbone: ExportedBackbone;
  readonly format: ExportFormat;
}

/** Names of folders and files only: a card is read elsewhere, where paths of this machine mean nothing. */
export async function cardFacts({ source, network, backbone, format }: Request): Promise<CardFacts> {
  const { record, facts } = source;
  const dataset = record?.dataset ?? null;
  const step = record?.step ?? facts.steps;
  return {
    backbone,
    network,
    format,
    origin: originOf(source),
    step,
    epoch: record?.position.epoch ?? facts.epoch,
    data: dataset === null ? null : { name: basename(dataset.path), images: dataset.images },
    settings: withoutPaths(record?.config ?? facts.arguments),
    evaluations: step === null ? [] : await newestEvaluations(source, step),
    version: packageVersion(),
  };
}

function withoutPaths(settings: CardFacts["settings"]): CardFacts["settings"] {
  if (settings === null) return null;
  const shown = (value: unknown) =>
    typeof value === "string" && isAbsolute(value) ? basename(value) : value;
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, shown(value)]));
}

function originOf(source: CheckpointSource): string {
  const { kind, path, record, facts } = source;
  if (record?.origin !== undefined) return record.origin;
  const run = runFolder(source);
  if (run !== null) return `the run \`${basename(run)}\``;
  const names = facts.naming === "udi-native" ? "" : ` (names of ${facts.naming})`;
  return `the ${kind === "backbone" ? "backbone" : "checkpoint"} \`${basename(path)}\`${names}`;
}

/** Folder of the run that the checkpoint lies in; null: in none. */
function runFolder({ file }: CheckpointSource): string | null {
  const parent = dirname(dirname(file));
  return basename(parent) === RUN_FILES.checkpoints ? dirname(parent) : null;
}

/** The newest evaluation up to this step, of each protocol. */
async function newestEvaluations(source: CheckpointSource, step: number): Promise<EvaluationRecord[]> {
  const run = runFolder(source);
  if (run === null) return [];
  const newest = new Map<string, EvaluationRecord>();
  for await (const record of readJsonLines<EvaluationRecord>(join(run, RUN_FILES.evaluations))) {
    if (record.step <= step) newest.set(record.protocol, record);
  }
  return [...newest.values()];
}
