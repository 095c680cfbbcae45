/** What has become of a run: at work, told to stop, at its end, or in need of mending. */
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type CheckpointRecord, readRecord, STATE_FILE } from "../run/checkpoint-record.js";
import { checkpointSteps } from "../run/checkpoints.js";
import { RUN_FILES } from "../run/run-files.js";
import { isLocked } from "../run/run-lock.js";

/** `requeue`: a signal stopped it, and it wants to be started again. */
export type RunState = "running" | "stopped" | "finished" | "requeue" | "damaged";

/** A checkpoint as its record tells, without reading its state. */
export interface KnownCheckpoint {
  readonly step: number;
  readonly folder: string;
  /** Of all its files. */
  readonly bytes: number;
  /** Or in words what is wrong with it. */
  readonly record: CheckpointRecord | string;
}

/** Newest first. */
export async function knownCheckpoints(folder: string): Promise<KnownCheckpoint[]> {
  const parent = join(folder, RUN_FILES.checkpoints);
  const reading = checkpointSteps(parent).map(async (step) => {
    const place = join(parent, String(step));
    const missing = existsSync(join(place, STATE_FILE)) ? null : `${STATE_FILE} is missing`;
    return { step, folder: place, bytes: await sizeOf(place), record: missing ?? (await readRecord(place)) };
  });
  return Promise.all(reading);
}

/** 0 where the folder went meanwhile. */
async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => []);
  const size = (name: string) =>
    stat(join(folder, name)).then(
      (found) => found.size,
      () => 0,
    );
  return (await Promise.all(names.map(size))).reduce((sum, bytes) => sum + bytes, 0);
}

export interface StateFacts {
  readonly folder: string;
  readonly checkpoints: readonly KnownCheckpoint[];
  /** `training.epochs`; null: the configuration cannot be read. */
  readonly epochs: number | null;
}

export function stateOf({ folder, checkpoints, epochs }: StateFacts): RunState {
  if (isLocked(folder)) return "running";
  const newest = checkpoints[0]?.record;
  if (epochs === null || typeof newest === "string") return "damaged";
  if (newest !== undefined && newest.position.epoch >= epochs) return "finished";
  return existsSync(join(folder, RUN_FILES.requeue)) ? "requeue" : "stopped";
}
