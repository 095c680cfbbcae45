/** Keeps two processes out of one run. The lock of a process that was killed is gone with it. */
import { readFileSync, statSync, writeFileSync } from "node:fs";
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

/**
 * Whether a process works on the run in a folder. Asks the kernel's list and takes no lock itself, which could be in the way
 * of a run that starts. Locks of other machines are not in that list: there it goes by the file, which goes with its process
 * unless that was killed.
 */
export function isLocked(folder: string): boolean {
  const file = join(folder, RUN_FILES.lock);
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return false;
  const holder = readHolder(file);
  if (holder !== null && holder.host !== hostname()) return true;
  const held = heldLocks();
  return held === null || held.some(({ pid, inode }) => pid === holder?.pid || inode === found.ino);
}

interface HeldLock {
  readonly pid: number;
  readonly inode: number;
}

/** Locks of whole files on this machine: `1: FLOCK  ADVISORY  WRITE 708 08:01:1234 0 EOF`. Null: the list is kept from us. */
function heldLocks(): HeldLock[] | null {
  try {
    return readFileSync("/proc/locks", "utf8").split("\n").flatMap(heldLock);
  } catch {
    return null;
  }
}

function heldLock(line: string): HeldLock[] {
  const [, kind, , , pid, place] = line.trim().split(/\s+/);
  return kind === "FLOCK" ? [{ pid: Number(pid), inode: Number(place?.split(":")[2]) }] : [];
}

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
