/** What a path that names a checkpoint is: a run, a checkpoint of one, a file of weights. */
import { existsSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { RunError } from "../errors.js";
import {
  type CheckpointRecord,
  RECORD_FILE,
  readRecord,
  STATE_FILE,
  verifyCheckpoint,
} from "../run/checkpoint-record.js";
import { newestCheckpoint } from "../run/checkpoints.js";
import { RUN_FILES } from "../run/run-files.js";

/** The file of a folder that `import` makes of a backbone-only file. */
export const BACKBONE_FILE = "backbone.safetensors";

export interface CheckpointPlace {
  readonly kind: "run" | "checkpoint" | "file";
  /** The file that holds the weights. */
  readonly file: string;
  /** What stands beside a state of ours. */
  readonly record: CheckpointRecord | null;
}

const HINT = "name a run's folder, one of its checkpoints, or a file of weights (.safetensors, .pth)";

/** Throws RunError where there is nothing, something else, or a checkpoint that is damaged. */
export async function findCheckpoint(
  path: string,
  onRemark: (line: string) => void,
): Promise<CheckpointPlace> {
  const place = resolve(path);
  const found = statSync(place, { throwIfNoEntry: false });
  if (found?.isFile()) return fileAt(place);
  if (found?.isDirectory()) return folderAt(place, onRemark);
  throw new RunError(`checkpoint: expected a file or a folder, found none at ${place}`, { hint: HINT });
}

async function fileAt(file: string): Promise<CheckpointPlace> {
  const record = basename(file) === STATE_FILE ? await readRecord(dirname(file)) : "none";
  return { kind: "file", file, record: typeof record === "string" ? null : record };
}

async function folderAt(folder: string, onRemark: (line: string) => void): Promise<CheckpointPlace> {
  if (existsSync(join(folder, RECORD_FILE))) return checkpointAt(folder);
  if (existsSync(join(folder, RUN_FILES.checkpoints))) return runAt(folder, onRemark);
  const file = join(folder, BACKBONE_FILE);
  if (existsSync(file)) return { kind: "file", file, record: null };
  throw new RunError(`checkpoint: expected a run or a checkpoint, found neither in ${folder}`, {
    hint: HINT,
  });
}

async function checkpointAt(folder: string): Promise<CheckpointPlace> {
  const record = await verifyCheckpoint(folder);
  if (typeof record !== "string") return { kind: "checkpoint", file: join(folder, STATE_FILE), record };
  throw new RunError(`checkpoint ${folder}: expected a whole one, found it damaged: ${record}`, {
    hint: "name another checkpoint, or the run's folder to take its newest whole one",
  });
}

async function runAt(folder: string, onRemark: (line: string) => void): Promise<CheckpointPlace> {
  const newest = await newestCheckpoint(join(folder, RUN_FILES.checkpoints), onRemark);
  if (newest !== null) return { kind: "run", file: newest.state, record: newest.record };
  throw new RunError(`checkpoint: expected a run with a checkpoint, found none yet in ${folder}`, {
    hint: "wait for the first one, or let the run write it with Ctrl-C",
  });
}
