/** Decides, before anything slow or lasting happens, whether a run may use its folder, and from where it goes on. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { ResolvedConfig } from "../config/resolved.js";
import { writtenConfig } from "../config/written.js";
import { RunError } from "../errors.js";
import { type Checkpoint, newestCheckpoint } from "./checkpoints.js";
import { fixedPart, requireSameConfig } from "./config-change.js";
import { type DatasetIdentity, requireSameDataset } from "./dataset-identity.js";
import { RUN_FILES, readConfig } from "./run-files.js";

export interface RunRequest {
  readonly config: ResolvedConfig;
  readonly dataset: DatasetIdentity;
  /** Go on with the run in the folder, or start one in a folder that holds none. */
  readonly mode: "start" | "resume";
  readonly onRemark: (line: string) => void;
}

/** A folder that the run may use. */
export interface RunEntry {
  readonly folder: string;
  readonly config: ResolvedConfig;
  readonly dataset: DatasetIdentity;
  readonly mode: "start" | "resume";
  /** Where it goes on; null: from the beginning. */
  readonly checkpoint: Checkpoint | null;
}

/** Throws RunError if the folder holds another run, none to resume, or one that this configuration would change. */
export async function enterRun(request: RunRequest): Promise<RunEntry> {
  const folder = resolve(request.config.output);
  const { config, dataset, mode } = request;
  if (mode === "resume") {
    return { folder, config, dataset, mode, checkpoint: await findCheckpoint(folder, request) };
  }
  refuseOccupied(folder);
  await makeFolder(folder);
  return { folder, config, dataset, mode, checkpoint: null };
}

/** What a run that is found in the way of another says. */
export function occupied(folder: string, name: string): RunError {
  return new RunError(`output: expected a folder without a run, received ${folder}, which holds ${name}`, {
    hint: "--resume to go on with that run, or another --out",
  });
}

function refuseOccupied(folder: string): void {
  const name = Object.values(RUN_FILES).find((candidate) => existsSync(join(folder, candidate)));
  if (name !== undefined) throw occupied(folder, name);
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RunError(`output: expected a folder that can be written, received ${folder}: ${reason}`, {
      hint: "--out DIR",
      cause,
    });
  }
}

async function findCheckpoint(folder: string, request: RunRequest): Promise<Checkpoint | null> {
  if (!existsSync(join(folder, RUN_FILES.config))) {
    throw new RunError(`output: expected a run to go on with, found none in ${folder}`, {
      hint: "leave out --resume to start one, or name the run's folder with --out",
    });
  }
  const checkpoint = await newestCheckpoint(join(folder, RUN_FILES.checkpoints), request.onRemark);
  const before = checkpoint?.record.config ?? fixedPart(await readConfig(folder));
  requireSameConfig(before, fixedPart(writtenConfig(request.config)), folder);
  if (checkpoint !== null) requireSameDataset(checkpoint.record.dataset, request.dataset, folder);
  else request.onRemark(`the run in ${folder} has made no checkpoint yet: it starts from the beginning`);
  return checkpoint;
}
