/** The checkpoints of a run: `checkpoints/<steps made>/`, each whole or not there. */
import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RunError } from "../errors.js";
import type { Native } from "../native/engine.js";
import {
  type CheckpointRecord,
  RECORD_FILE,
  readRecord,
  STATE_FILE,
  verifyCheckpoint,
} from "./checkpoint-record.js";
import { fillWholeFolder, makePartialFolder, removeWholeFolder } from "./whole-files.js";

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

/** What stands in a record beside what the state file determines. */
export type CheckpointFacts = Omit<CheckpointRecord, "format" | "sha256">;

/** A checkpoint that is being written. */
export interface Writing {
  /** Resolves to its folder when it is whole. */
  readonly written: Promise<string>;
}

/**
 * Resolves when the engine has been asked for its state: whatever it is asked to do after that does not change what is
 * written. `before` is awaited before the checkpoint gets its name.
 */
export async function beginCheckpoint(
  parent: string,
  native: Pick<Native, "save">,
  facts: CheckpointFacts,
  before: () => Promise<void> = async () => {},
): Promise<Writing> {
  const folder = join(parent, String(facts.step));
  const state = join(await makePartialFolder(folder), STATE_FILE);
  const saving = native.save(state);
  const finish = async (partial: string) => {
    const { sha256 } = await saving;
    const record: CheckpointRecord = { format: 1, ...facts, sha256 };
    await writeFile(join(partial, RECORD_FILE), `${JSON.stringify(record, null, 2)}\n`);
    await before();
  };
  return { written: fillWholeFolder(folder, finish).then(() => folder) };
}

/** Returns the checkpoint's folder. */
export async function writeCheckpoint(
  parent: string,
  native: Pick<Native, "save">,
  facts: CheckpointFacts,
): Promise<string> {
  return (await beginCheckpoint(parent, native, facts)).written;
}

/** Removes what need not be kept of the checkpoints up to `step`, the newest one. Returns how many went. */
export async function pruneCheckpoints(parent: string, step: number, keeping: Keeping): Promise<number> {
  let removed = 0;
  const older = checkpointSteps(parent).filter((other) => other <= step);
  for (const candidate of older.slice(keeping.keepLast)) {
    const folder = join(parent, String(candidate));
    if (await isMilestone(folder, keeping)) continue;
    await removeWholeFolder(folder);
    removed += 1;
  }
  return removed;
}

async function isMilestone(folder: string, { keepEveryEpochs }: Keeping): Promise<boolean> {
  if (keepEveryEpochs === 0) return false;
  const record = await readRecord(folder);
  if (typeof record === "string") return false;
  const { epoch, index } = record.position;
  return epoch > 0 && index === 0 && epoch % keepEveryEpochs === 0;
}
