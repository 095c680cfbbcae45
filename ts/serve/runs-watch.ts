/** The runs of a folder, looked at again and again: one reader for all who ask. */
import { randomUUID } from "node:crypto";
import { realpath } from "node:fs/promises";
import { findRuns, type RunPlace } from "../report/find-runs.js";
import type { RunFacts } from "../report/run-facts.js";
import { RunReader } from "../report/run-reader.js";
import { type RunSummary, summarise } from "../report/run-summary.js";
import { liesInside } from "./inside.js";
import { runStamp } from "./run-stamp.js";

/** What is known of a run, until one of its files changes. */
export interface WatchedRun {
  readonly summary: RunSummary;
  /** Another one after every change. */
  readonly version: number;
}

export interface WatchedRuns {
  /** Another one after every change of a run, and of no other server. */
  readonly id: string;
  readonly runs: readonly WatchedRun[];
  /** Names of runs that are not shown: not all of their files lie in the folder. */
  readonly refused: readonly string[];
}

interface Known {
  readonly stamp: string;
  /** Null: refused. */
  readonly run: WatchedRun | null;
}

/** What somebody has asked for. */
interface Opened {
  readonly reader: RunReader;
  readonly version: number;
  readonly facts: Promise<RunFacts>;
  readonly usedAt: number;
}

/** Nothing is looked at more often. */
export const LOOK_MILLISECONDS = 1000;

/** Looking takes at most this share of the time, however many runs there are. */
const SHARE = 0.05;

/** What was read of a run is forgotten where nobody has asked for it for so long. */
const IDLE_MILLISECONDS = 5 * 60_000;

export class RunsWatch {
  /** Tells the versions of this process from those of another one. */
  readonly serial = randomUUID();
  readonly #root: string;
  readonly #opened = new Map<string, Opened>();
  #known: ReadonlyMap<string, Known> = new Map();
  #version = 0;
  #looking: Promise<void> | null = null;
  #nextLook = 0;
  #lastTook = 0;

  private constructor(root: string) {
    this.#root = root;
  }

  /** Throws RunError where there is no such folder. */
  static async open(folder: string): Promise<RunsWatch> {
    await findRuns(folder);
    return new RunsWatch(await realpath(folder));
  }

  /** As they are now, or were a second ago. Rejects where the folder has gone. */
  async look(): Promise<WatchedRuns> {
    if (this.#looking === null && performance.now() >= this.#nextLook) {
      this.#looking = this.#look().finally(() => {
        this.#looking = null;
      });
    }
    await this.#looking;
    const known = [...this.#known];
    return {
      id: `${this.serial}.${this.#version}`,
      runs: known.flatMap(([, { run }]) => run ?? []),
      refused: known.flatMap(([name, { run }]) => (run === null ? [name] : [])),
    };
  }

  /** All of a run, read once for each version. Rejects with a RunError where its configuration cannot be read. */
  facts({ summary, version }: WatchedRun): Promise<RunFacts> {
    const opened = this.#opened.get(summary.name);
    const reader = opened?.reader ?? new RunReader(summary.folder);
    const facts = opened?.version === version ? opened.facts : reader.read(summary);
    this.#opened.set(summary.name, { reader, version, facts, usedAt: performance.now() });
    return facts;
  }

  async #look(): Promise<void> {
    const began = performance.now();
    const known = new Map<string, Known>();
    for (const place of await findRuns(this.#root)) {
      // One that goes while it is looked at is not there.
      const seen = await this.#lookAt(place).catch(() => null);
      if (seen !== null) known.set(place.name, seen);
    }
    const gone = [...this.#known.keys()].filter((name) => !known.has(name));
    if (gone.length > 0) this.#version += 1;
    this.#known = known;
    this.#forget(gone);
    const took = performance.now() - began;
    // One look may have waited while a long log was read for somebody.
    this.#nextLook = began + Math.max(LOOK_MILLISECONDS, Math.min(took, this.#lastTook) / SHARE);
    this.#lastTook = took;
  }

  async #lookAt(place: RunPlace): Promise<Known> {
    const stamp = await runStamp(place.folder);
    const known = this.#known.get(place.name);
    if (known?.stamp === stamp) return known;
    const inside = await liesInside(place.folder, this.#root);
    const summary = inside ? await summarise(place) : null;
    this.#version += 1;
    return { stamp, run: summary === null ? null : { summary, version: this.#version } };
  }

  #forget(gone: readonly string[]): void {
    const oldest = performance.now() - IDLE_MILLISECONDS;
    for (const [name, { usedAt }] of this.#opened) {
      if (usedAt < oldest || gone.includes(name)) this.#opened.delete(name);
    }
  }
}
