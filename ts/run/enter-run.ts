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
import { lockRun } from "./run-lock.js";

export interface RunRequest {
  readonly config: ResolvedConfig;
  readonly dataset: DatasetIdentity;
  /** Go on with the run in the folder, or start one in a folder that holds none. */
  readonly mode: "start" | "resume";
  readonly onRemark: (line: string) => void;
}

/** A folder that the run may use; no other process can until it is disposed of. */
export interface RunEntry extends Disposable {
  readonly folder: string;
  readonly config: ResolvedConfig;
  readonly dataset: DatasetIdentity;
  readonly mode: "start" | "resume";
  /** Where it goes on; null: from the beginning. */
  readonly checkpoint: Checkpoint | null;
  readonly onRemark: (line: string) => void;
}

/**
 * Throws RunError if the folder holds another run, none to resume, one that this configuration would change, or one that
 * another process works on.
 */
export async function enterRun(request: RunRequest): Promise<RunEntry> {
  const folder = resolve(request.config.output);
  if (request.mode === "start") {
    refuseOccupied(folder);
    await makeFolder(folder);
  } else requireRun(folder);
  const lock = await lockRun(folder, request.onRemark);
  try {
    const checkpoint = request.mode === "resume" ? await findCheckpoint(folder, request) : null;
    return { ...request, folder, checkpoint, [Symbol.dispose]: () => lock[Symbol.dispose]() };
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

/** What a run that is found in the way of another says. */
export function occupied(folder: string, name: string): RunError {
  return new RunError(`output: expected a folder without a run, received ${folder}, which holds ${name}`, {
    hint: "--resume to go on with that run, or another --out",
  });
}

function refuseOccupied(folder: string): void {
  // A lock says only that a process was there; whether it still is, `lockRun` knows.
  const names = Object.values(RUN_FILES).filter((name) => name !== RUN_FILES.lock);
  const name = names.find((candidate) => existsSync(join(folder, candidate)));
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

function requireRun(folder: string): void {
  if (existsSync(join(folder, RUN_FILES.config))) return;
  throw new RunError(`output: expected a run to go on with, found none in ${folder}`, {
    hint: "leave out --resume to start one, or name the run's folder with --out",
  });
}

async function findCheckpoint(folder: string, request: RunRequest): Promise<Checkpoint | null> {
  const checkpoint = await newestCheckpoint(join(folder, RUN_FILES.checkpoints), request.onRemark);
  const before = checkpoint?.record.config ?? fixedPart(await readConfig(folder));
  const now = fixedPart(writtenConfig(request.config));
  for (const remark of requireSameConfig(before, now, folder)) request.onRemark(remark);
  if (checkpoint !== null) requireKnownDataset(checkpoint, request, folder);
  else request.onRemark(`the run in ${folder} has made no checkpoint yet: it starts from the beginning`);
  return checkpoint;
}

function requireKnownDataset(
  { record }: Checkpoint,
  { dataset, onRemark }: RunRequest,
  folder: string,
): void {
  if (record.dataset !== null) requireSameDataset(record.dataset, dataset, folder);
  else
    onRemark(
      `the run in ${folder} comes from elsewhere: its images are from now on those in ${dataset.path}`,
    );
}
