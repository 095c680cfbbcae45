/** The checkpoints of a run: `checkpoints/<steps made>/`, each whole or not there. */
import { existsSync, readdirSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RunError } from "../errors.js";
import type { Native } from "../native/engine.js";
import {
  type CheckpointRecord,
  fileHash,
  RECORD_FILE,
  readRecord,
  STATE_FILE,
  verifyCheckpoint,
} from "./checkpoint-record.js";
import { removeWholeFolder, writeWholeFolder } from "./whole-files.js";

export interface Checkpoint {
  readonly folder: string;
  /** What `native.load` takes. */
  readonly state: string;
  readonly record: CheckpointRecord;
}

/** Which of a run's checkpoints stay; all others are removed when a new one is written. */
export interface Keeping {
  /** The newest ones, at least 1. */
  readonly keepLast: number;
  /** Also those at the end of every so many epochs; 0: none. */
  readonly keepEveryEpochs: number;
}

/** Steps at which there is a checkpoint, newest first. */
export function checkpointSteps(parent: string): number[] {
  if (!existsSync(parent)) return [];
  const steps = readdirSync(parent)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return steps.sort((a, b) => b - a);
}

/**
 * The newest checkpoint that is whole; damaged ones are passed over with a warning. Null: the run has made none yet.
 * Throws RunError if there are some and none is whole.
 */
export async function newestCheckpoint(
  parent: string,
  warn: (line: string) => void,
): Promise<Checkpoint | null> {
  const steps = checkpointSteps(parent);
  for (const step of steps) {
    const folder = join(parent, String(step));
    const record = await verifyCheckpoint(folder);
    if (typeof record !== "string") return { folder, state: join(folder, STATE_FILE), record };
    warn(`the checkpoint ${folder} is damaged and is passed over: ${record}`);
  }
  if (steps.length === 0) return null;
  throw new RunError(`${parent}: expected a whole checkpoint, found ${steps.length}, all damaged`, {
    hint: "bring one back from a copy, or start a run with another --out",
  });
}

/** Returns the checkpoint's folder. */
export async function writeCheckpoint(
  parent: string,
  native: Pick<Native, "save">,
  facts: Omit<CheckpointRecord, "format" | "sha256">,
): Promise<string> {
  const folder = join(parent, String(facts.step));
  await writeWholeFolder(folder, async (partial) => {
    const state = join(partial, STATE_FILE);
    await native.save(state);
    // The engine makes it for its user alone; in a run it is a file like the others.
    await chmod(state, 0o666 & ~process.umask());
    const record: CheckpointRecord = { format: 1, ...facts, sha256: await fileHash(state) };
    await writeFile(join(partial, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
  });
  return folder;
}

/** Removes what need not be kept of the checkpoints up to `step`, the newest one. */
export async function pruneCheckpoints(parent: string, step: number, keeping: Keeping): Promise<void> {
  const older = checkpointSteps(parent).filter((other) => other <= step);
  for (const candidate of older.slice(keeping.keepLast)) {
    const folder = join(parent, String(candidate));
    if (!(await isMilestone(folder, keeping))) await removeWholeFolder(folder);
  }
}

async function isMilestone(folder: string, { keepEveryEpochs }: Keeping): Promise<boolean> {
  if (keepEveryEpochs === 0) return false;
  const record = await readRecord(folder);
  if (typeof record === "string") return false;
  return record.position.index === 0 && record.position.epoch % keepEveryEpochs === 0;
}
