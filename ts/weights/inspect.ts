/** What is in a checkpoint: its model, where its run stands, and whether its weights are numbers. */
import { readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { measureWeights, type NetworkName, type WeightsMeasure } from "../native/weights.js";
import type { CheckpointRecord } from "../run/checkpoint-record.js";
import { type CheckpointModel, type CheckpointSource, openCheckpoint } from "./open-checkpoint.js";

export interface MeasuredNetwork {
  readonly network: NetworkName;
  readonly parts: readonly WeightsMeasure[];
  /** Number of its values. */
  readonly parameters: number;
  /** Values that are no finite numbers. */
  readonly notFinite: number;
}

export interface Inspection {
  readonly path: string;
  readonly kind: CheckpointSource["kind"];
  readonly format: string;
  readonly naming: string;
  readonly model: CheckpointModel;
  readonly networks: readonly MeasuredNetwork[];
  /** Steps made and epochs finished, as far as they are known. */
  readonly step: number | null;
  readonly epoch: number | null;
  /** Batches of the epoch in progress that were trained; null: not known. */
  readonly batchInEpoch: number | null;
  /** The rule whose moments are there; null: they are not. */
  readonly optimizer: string | null;
  /** Whether the centres of the targets are there. */
  readonly centers: boolean;
  readonly data: { readonly path: string | null; readonly images: number | null } | null;
  /** The configuration's fixed part by dotted key, or the arguments of a foreign run. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly versions: Readonly<Record<string, string>>;
  /** Where the weights come from, where it is not a run's own training. */
  readonly origin: string | null;
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  readonly remarks: readonly string[];
}

/** Reads everything, the values too. Throws RunError where `openCheckpoint` does. */
export async function inspectCheckpoint(path: string): Promise<Inspection> {
  const source = await openCheckpoint(path);
  const { facts, record, model, kind, remarks } = source;
  const networks: MeasuredNetwork[] = [];
  for (const network of source.networks) networks.push(await measured(source.file, network));
  return {
    path: source.path,
    kind,
    format: facts.format,
    naming: facts.naming,
    model,
    networks,
    step: record?.step ?? facts.steps,
    epoch: record?.position.epoch ?? facts.epoch,
    batchInEpoch: record?.position.index ?? (facts.epoch === null ? null : 0),
    optimizer: optimizerOf(source),
    centers: facts.centers,
    data: dataOf(source),
    settings: record?.config ?? facts.arguments ?? {},
    versions: record?.versions ?? {},
    origin: record?.origin ?? null,
    files: filesOf(source.file, record),
    remarks,
  };
}

async function measured(file: string, network: NetworkName): Promise<MeasuredNetwork> {
  const parts = await measureWeights(file, network);
  const sum = (value: (part: WeightsMeasure) => number) =>
    parts.reduce((total, part) => total + value(part), 0);
  return {
    network,
    parts,
    parameters: sum(({ count }) => count),
    notFinite: sum(({ nan, infinite }) => nan + infinite),
  };
}

/** Velocities of SGD and LARS look alike in a state: the record knows which they are. */
function optimizerOf({ facts, record }: CheckpointSource): string | null {
  const named = record?.config["optimizer.name"];
  return facts.optimizer !== null && typeof named === "string" ? named : facts.optimizer;
}

function dataOf({ facts, record }: CheckpointSource): Inspection["data"] {
  if (record?.dataset) return { path: record.dataset.path, images: record.dataset.images };
  const path = facts.arguments?.data_path;
  return typeof path === "string" ? { path, images: null } : null;
}

/** The weights, and what stands beside them in a checkpoint of ours. */
function filesOf(file: string, record: CheckpointRecord | null): Inspection["files"] {
  const folder = dirname(file);
  const files = record === null ? [file] : readdirSync(folder).map((name) => join(folder, name));
  return files.sort().map((path) => ({ path, bytes: statSync(path).size }));
}
