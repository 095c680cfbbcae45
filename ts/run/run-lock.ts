/** Keeps two processes out of one run. The lock of a process that was killed is gone with it. */
import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { RunError } from "../errors.js";
import { lockFile } from "../native/file-lock.js";
import { RUN_FILES } from "./run-files.js";

/** Who has a run, for those who find it taken. */
interface Holder {
  readonly pid: number;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly since: string;
}

/**
 * Takes the run in a folder until it is disposed of. Throws RunError, which names the other process, where one has it. A
 * file system without locks is only worth a remark: it is no reason not to train.
 */
export async function lockRun(folder: string, onRemark: (line: string) => void): Promise<Disposable> {
  const file = join(folder, RUN_FILES.lock);
  const lock = await lockFile(file).catch((error: Error) => {
    onRemark(`nothing keeps a second process out of this run: ${error.message}`);
    return UNLOCKED;
  });
  if (lock === null) throw taken(folder, readHolder(file));
  if (lock !== UNLOCKED) writeHolder(file);
  return lock;
}

const UNLOCKED: Disposable = { [Symbol.dispose]: () => {} };

/** Only for messages: the lock holds without it. */
function writeHolder(file: string): void {
  const holder: Holder = { pid: process.pid, host: hostname(), since: new Date().toISOString() };
  try {
    writeFileSync(file, `${JSON.stringify(holder)}\n`);
  } catch {
    // A full disk.
  }
}

function readHolder(file: string): Holder | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Holder;
  } catch {
    return null;
  }
}

function taken(folder: string, holder: Holder | null): RunError {
  const who = holder === null ? "another process" : `process ${holder.pid} on ${holder.host}`;
  const since = holder === null ? "" : `, since ${holder.since}`;
  return new RunError(
    `output: expected a run that no other process works on, received ${folder}, which ${who} has${since}`,
    {
      hint:
        holder === null
          ? "wait until it has ended"
          : `wait until it has ended, or stop it: kill ${holder.pid} writes a checkpoint first`,
    },
  );
}
