/** Several checkpoints of one architecture become one: the mean of their weights. */
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { RunError } from "../errors.js";
import { averageWeights } from "../native/average-weights.js";
import { packageVersion } from "../native/package-root.js";
import { type CheckpointRecord, RECORD_FILE, STATE_FILE } from "../run/checkpoint-record.js";
import { configHash } from "../run/config-change.js";
import { writeWholeFolder } from "../run/whole-files.js";
import { type CheckpointModel, type CheckpointSource, openCheckpoint } from "./open-checkpoint.js";
import { readyFolder, writing } from "./output-folder.js";

export interface AverageRequest {
  /** Runs (of which the newest whole checkpoint is taken), checkpoints or files of them; at least two. */
  readonly checkpoints: readonly string[];
  /** Folder that is made, or is empty. */
  readonly out: string;
}

export interface Averaged {
  /** The folder of the new checkpoint: networks without an optimiser. */
  readonly folder: string;
  /** The files that were averaged. */
  readonly files: readonly string[];
  readonly networks: readonly string[];
  readonly remarks: readonly string[];
}

/** Throws RunError where the checkpoints are not of one architecture, naming the first thing in which they differ. */
export async function averageCheckpoints({ checkpoints, out }: AverageRequest): Promise<Averaged> {
  if (checkpoints.length < 2) {
    throw new RunError(`checkpoints: expected at least two, received ${checkpoints.length}`, {
      hint: "npx udi-native average RUN/checkpoints/100 RUN/checkpoints/200 --out DIR",
    });
  }
  const folder = resolve(out);
  const sources: CheckpointSource[] = [];
  for (const path of checkpoints) sources.push(await openCheckpoint(path));
  const first = best(sources);
  for (const source of sources) requireComparable(first, source);
  await readyFolder(folder, "refuse");
  const files = sources.map(({ file }) => file);
  await writing(folder, () => writeWholeFolder(folder, (partial) => fill(partial, files, sources)));
  const remarks = sources.flatMap((source) => source.remarks.map((remark) => `${source.path}: ${remark}`));
  return { folder, files, networks: first.networks, remarks };
}

async function fill(
  folder: string,
  files: readonly string[],
  sources: readonly CheckpointSource[],
): Promise<void> {
  const { sha256 } = await averageWeights(files, join(folder, STATE_FILE));
  const record: CheckpointRecord = { ...recordOf(sources), sha256 };
  await writeFile(join(folder, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
}

/** The first one that says most of itself. */
function best(sources: readonly CheckpointSource[]): CheckpointSource {
  const known = sources.find(({ record }) => record !== null);
  return known ?? sources.find(({ model }) => !model.headsGuessed) ?? (sources[0] as CheckpointSource);
}

/** What tensors do not tell: backbones alone have no names of their own, and heads leave no trace in shapes. */
function requireComparable(first: CheckpointSource, { path, networks, model }: CheckpointSource): void {
  if (networks.includes("backbone")) {
    throw new RunError(`${path}: expected a checkpoint with student or teacher, received a backbone alone`, {
      hint: "average the checkpoints that it comes from, then export the result",
    });
  }
  for (const key of model.headsGuessed ? [] : (["heads", "srsHeads"] as const)) {
    if (model[key] === first.model[key]) continue;
    throw new RunError(
      `${path}: model.${key}: expected ${first.model[key]} as in ${first.path}, found ${model[key]}`,
      { hint: "only checkpoints of one architecture can be averaged" },
    );
  }
}

/** That of the furthest one; the data set only where all have the same. */
function recordOf(sources: readonly CheckpointSource[]): Omit<CheckpointRecord, "sha256"> {
  const first = best(sources);
  const records = sources.flatMap(({ record }) => (record === null ? [] : [record]));
  const [newest] = [...records].sort((a, b) => b.step - a.step);
  const known = records.length === sources.length ? (newest?.dataset ?? null) : null;
  const same = records.every(({ dataset }) => dataset?.names === known?.names);
  const config = first.record?.config ?? modelConfig(first.model);
  return {
    format: 1,
    step: newest?.step ?? first.facts.steps ?? 0,
    position: newest?.position ?? { epoch: first.facts.epoch ?? 0, index: 0 },
    samples: newest?.samples ?? { seen: 0, skipped: 0 },
    dataset: same ? known : null,
    config,
    configHash: configHash(config),
    versions: { "udi-native": packageVersion() },
    origin: `the average of ${sources.map(({ file }) => file).join(", ")}`,
  };
}

/** What can be known of a foreign file, by the keys of the configuration. */
function modelConfig({
  head,
  headsGuessed: _,
  imageSize,
  ...shape
}: CheckpointModel): CheckpointRecord["config"] {
  const entries = [
    ...Object.entries(shape).map(([key, value]) => [`model.${key}`, value]),
    ...Object.entries(head ?? {}).map(([key, value]) => [`model.head.${key}`, value]),
    ["crops.globalSize", imageSize],
  ];
  return Object.fromEntries(entries);
}
