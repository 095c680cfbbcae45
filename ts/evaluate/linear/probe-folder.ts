/** What a linear probe leaves in its folder, and how it goes on from there. */
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { RunError } from "../../errors.js";
import { lockFile } from "../../native/file-lock.js";
import type { Probe } from "../../native/probe.js";
import type { DatasetIdentity } from "../../run/dataset-identity.js";
import { cutJsonLines, JsonLines, readJsonLines } from "../../run/json-lines.js";
import { writeWholeFile } from "../../run/whole-files.js";
import type { EpochRecord, LinearResult } from "./result.js";
import type { LinearSettings } from "./settings.js";

const FILES = {
  settings: "probe.json",
  epochs: "epochs.jsonl",
  result: "result.json",
  lock: "probe.lock",
  state: /^state-(\d+)\.safetensors$/,
} as const;

/** All that decides what a probe computes. */
export interface ProbeIdentity {
  readonly version: 1;
  readonly checkpoint: {
    readonly file: string;
    readonly network: string;
    readonly bytes: number;
    /** Milliseconds since 1970. */
    readonly modified: number;
  };
  readonly train: DatasetIdentity;
  readonly val: DatasetIdentity;
  readonly settings: LinearSettings;
}

/** Where a probe keeps its state. */
export interface ProbeFolder extends AsyncDisposable {
  /** The result of a probe that ended before; null: there is something to do. */
  readonly result: LinearResult | null;
  /** Takes the newest state: the epochs made. */
  resume(probe: Probe): Promise<readonly EpochRecord[]>;
  /** Keeps the state after an epoch, and its line of the log. */
  keep(probe: Probe, record: EpochRecord): Promise<void>;
  finish(result: LinearResult): Promise<void>;
}

/** A probe that is not kept. */
export const NOWHERE: ProbeFolder = {
  result: null,
  resume: async () => [],
  keep: async () => {},
  finish: async () => {},
  [Symbol.asyncDispose]: async () => {},
};

/** Makes the folder, or takes that of the same probe up again. Throws RunError where another probe or process has it. */
export async function openProbeFolder(path: string, identity: ProbeIdentity): Promise<ProbeFolder> {
  const folder = resolve(path);
  await mkdir(folder, { recursive: true });
  const lock = await lockFile(join(folder, FILES.lock));
  if (lock === null) {
    throw new RunError(`output: expected a probe that no other process works on, received ${folder}`, {
      hint: "wait until it has ended, or give another --out",
    });
  }
  try {
    await enter(folder, identity);
    return await KeptProbe.open(folder, lock);
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function enter(folder: string, identity: ProbeIdentity): Promise<void> {
  const file = join(folder, FILES.settings);
  if (!existsSync(file)) {
    const others = (await readdir(folder)).filter((name) => name !== FILES.lock);
    if (others.length > 0)
      throw new RunError(`output: expected an empty folder or that of a linear probe, received ${folder}`, {
        hint: "give another --out",
      });
    return writeWholeFile(file, `${JSON.stringify(identity, null, 2)}\n`);
  }
  const before = await readJson<Record<string, unknown>>(file);
  const now = JSON.parse(JSON.stringify(identity)) as Record<string, unknown>;
  const changed = firstDifference(before, now);
  if (changed === null) return;
  throw new RunError(
    `output ${folder}: expected ${changed.name} ${changed.before}, as the probe there was started with, received ${changed.now}`,
    { hint: "give the same command again to go on with it, or another --out" },
  );
}

interface Difference {
  readonly name: string;
  readonly before: string;
  readonly now: string;
}

/** The first value that differs, by its place. A data folder may have moved: its names decide. */
function firstDifference(before: unknown, now: unknown, name = ""): Difference | null {
  if (isDeepStrictEqual(before, now) || /^(?:train|val)\.path$/.test(name)) return null;
  if (isRecord(before) && isRecord(now)) {
    for (const key of Object.keys({ ...before, ...now })) {
      const found = firstDifference(before[key], now[key], name === "" ? key : `${name}.${key}`);
      if (found !== null) return found;
    }
    return null;
  }
  return { name, before: JSON.stringify(before) ?? "nothing", now: JSON.stringify(now) ?? "nothing" };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

class KeptProbe implements ProbeFolder {
  readonly result: LinearResult | null;
  readonly #folder: string;
  readonly #lock: Disposable;

  private constructor(folder: string, lock: Disposable, result: LinearResult | null) {
    this.#folder = folder;
    this.#lock = lock;
    this.result = result;
  }

  static async open(folder: string, lock: Disposable): Promise<KeptProbe> {
    const file = join(folder, FILES.result);
    return new KeptProbe(folder, lock, existsSync(file) ? await readJson<LinearResult>(file) : null);
  }

  async resume(probe: Probe): Promise<readonly EpochRecord[]> {
    const newest = (await this.#states()).at(-1);
    const log = this.#path(FILES.epochs);
    await cutJsonLines<EpochRecord>(log, ({ epoch }) => epoch <= (newest?.epoch ?? 0));
    if (newest === undefined) return [];
    await probe.load(this.#path(newest.name));
    const records: EpochRecord[] = [];
    for await (const record of readJsonLines<EpochRecord>(log)) records.push(record);
    if (records.at(-1)?.epoch === newest.epoch) return records;
    throw new RunError(`${log}: expected lines up to epoch ${newest.epoch}, found ${records.length}`, {
      hint: "bring the file back, or give another --out",
    });
  }

  /** The line goes first: one whose state is missing is cut away, but no state is without its line. */
  async keep(probe: Probe, record: EpochRecord): Promise<void> {
    const old = await this.#states();
    await using log = await JsonLines.open<EpochRecord>(this.#path(FILES.epochs));
    await log.append(record);
    await log.flush();
    await probe.save(this.#path(`state-${String(record.epoch).padStart(4, "0")}.safetensors`));
    for (const { name } of old) await rm(this.#path(name));
  }

  async finish(result: LinearResult): Promise<void> {
    await writeWholeFile(this.#path(FILES.result), `${JSON.stringify(result, null, 2)}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lock[Symbol.dispose]();
  }

  #path(name: string): string {
    return join(this.#folder, name);
  }

  /** Oldest first. */
  async #states(): Promise<{ readonly name: string; readonly epoch: number }[]> {
    const names = await readdir(this.#folder);
    const states = names.map((name) => ({ name, epoch: Number(FILES.state.exec(name)?.[1]) }));
    return states.filter(({ epoch }) => epoch > 0).sort((a, b) => a.epoch - b.epoch);
  }
}

async function readJson<T>(file: string): Promise<T> {
  try {
    return JSON.parse(await readFile(file, "utf8")) as T;
  } catch (cause) {
    throw new RunError(`${file}: expected what a linear probe wrote, received something else`, {
      hint: "give another --out",
      cause,
    });
  }
}
