/** Brings a foreign checkpoint here: a training checkpoint becomes a run that goes on, a backbone a file of ours. */
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { Document } from "yaml";
import { loadConfigOver } from "../config/load.js";
import type { Config } from "../config/schema.js";
import { RunError } from "../errors.js";
import { packageVersion } from "../native/package-root.js";
import { writeBackbone, writeState } from "../native/weights.js";
import { type CheckpointRecord, RECORD_FILE, STATE_FILE } from "../run/checkpoint-record.js";
import { configHash, fixedPart } from "../run/config-change.js";
import { RUN_FILES } from "../run/run-files.js";
import { writeWholeFile, writeWholeFolder } from "../run/whole-files.js";
import { BACKBONE_FILE } from "./checkpoint-place.js";
import { remarksOf } from "./import-remarks.js";
import { type CheckpointSource, chooseNetwork, openCheckpoint } from "./open-checkpoint.js";
import { referenceLayer } from "./reference-config.js";
import { requireSameModel } from "./same-model.js";

export interface ImportRequest {
  /** The foreign file. */
  readonly file: string;
  /** Folder that is made, or is empty. */
  readonly out: string;
  /** `key=value` of the configuration, over what the file says. */
  readonly set?: readonly string[] | undefined;
  /** Goes before `data.path`. */
  readonly data?: string | undefined;
  /** Attention heads, where the file does not say it. */
  readonly heads?: number | undefined;
}

export interface Imported {
  /** `run`: `train` goes on with it. `backbone`: one network and nothing to train it on with. */
  readonly kind: "run" | "backbone";
  readonly folder: string;
  /** What every command takes that takes a checkpoint. */
  readonly checkpoint: string;
  readonly source: CheckpointSource;
  /** Where the run stands; null: a backbone. */
  readonly position: { readonly step: number; readonly epoch: number } | null;
  readonly remarks: readonly string[];
}

/** Throws RunError where the file is none that can be brought here, or the folder is taken. */
export async function importCheckpoint(request: ImportRequest): Promise<Imported> {
  const folder = resolve(request.out);
  refuseOccupied(folder);
  const source = await openCheckpoint(request.file, { heads: request.heads });
  if (source.facts.naming === "udi-native") {
    throw new RunError(`${source.path}: expected a checkpoint of another program, received one of ours`, {
      hint: `train RUN/config.yaml --resume goes on with it; npx udi-native inspect ${request.file}`,
    });
  }
  return source.kind === "training" && source.model.head !== null
    ? importRun(request, source, folder)
    : importBackbone(source, folder);
}

async function importBackbone(source: CheckpointSource, folder: string): Promise<Imported> {
  const checkpoint = join(folder, BACKBONE_FILE);
  const network = chooseNetwork(source);
  await makeFolder(folder);
  await writeBackbone(source.file, network, source.model.heads, checkpoint);
  return { kind: "backbone", folder, checkpoint, source, position: null, remarks: source.remarks };
}

async function importRun(
  request: ImportRequest,
  source: CheckpointSource,
  folder: string,
): Promise<Imported> {
  const { set, data, heads } = request;
  const config = loadConfigOver(referenceLayer(source), { set, data, out: folder });
  requireSameModel(config, source, heads);
  const record = recordOf(source, config);
  const checkpoints = join(folder, RUN_FILES.checkpoints);
  const checkpoint = join(checkpoints, String(record.step));
  await makeFolder(checkpoints);
  try {
    await writeWholeFolder(checkpoint, (partial) => fill(partial, source, config, record));
    // Last: a folder with it is a run.
    await writeWholeFile(join(folder, RUN_FILES.config), configText(config, source));
  } catch (error) {
    await rm(checkpoints, { recursive: true, force: true }); // made here: it was refused where it was there before
    throw error;
  }
  const position = { step: record.step, epoch: record.position.epoch };
  const remarks = [...source.remarks, ...remarksOf(source, config)];
  return { kind: "run", folder, checkpoint, source, position, remarks };
}

async function fill(
  folder: string,
  source: CheckpointSource,
  { optimizer, model }: Config,
  record: Omit<CheckpointRecord, "sha256">,
): Promise<void> {
  const options = {
    optimizer: optimizer.name,
    normsFrozen: model.head.normLastLayer,
    steps: record.step,
  };
  const { sha256 } = await writeState(source.file, options, join(folder, STATE_FILE));
  await writeFile(join(folder, RECORD_FILE), `${JSON.stringify({ ...record, sha256 }, null, 2)}\n`);
}

/**
 * A foreign file counts epochs, and its optimiser updates; how many steps an epoch has is known once there are images.
 * So the run goes on at the beginning of an epoch, and its steps are counted on from the updates.
 */
function recordOf({ facts, path }: CheckpointSource, config: Config): Omit<CheckpointRecord, "sha256"> {
  const epoch = facts.epoch ?? 0;
  const fixed = Object.entries(fixedPart(config)).filter(([, value]) => value !== "auto");
  const known = Object.fromEntries(fixed);
  return {
    format: 1,
    step: facts.steps ?? epoch,
    position: { epoch, index: 0 },
    samples: { seen: 0, skipped: 0 },
    dataset: null,
    config: known,
    configHash: configHash(known),
    versions: { "udi-native": packageVersion() },
    origin: `imported from ${path}`,
  };
}

function configText(config: Config, { path }: CheckpointSource): string {
  const heading = `# Imported from ${JSON.stringify(path)}. "udi-native train <this file> --resume --data PATH" goes on with the run.\n`;
  return heading + new Document(config, { aliasDuplicateObjects: false }).toString({ lineWidth: 0 });
}

function refuseOccupied(folder: string): void {
  const names = [...Object.values(RUN_FILES), BACKBONE_FILE];
  const name = names.find((candidate) => existsSync(join(folder, candidate)));
  if (name === undefined) return;
  throw new RunError(`out: expected a folder without a run, received ${folder}, which holds ${name}`, {
    hint: "another --out",
  });
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunError(`out: expected a folder that can be written, received ${folder}: ${reason}`, {
      hint: "another --out",
      cause,
    });
  }
}
