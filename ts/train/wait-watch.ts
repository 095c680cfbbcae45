/** Watches how long the step waits for data, and says once what holds it up and which setting helps. */
import type { PartSeconds } from "../views/part-seconds.js";

/** What is seen of one turn of the loop. */
export interface WatchedTurn {
  /** Of the step. */
  readonly report: { readonly seconds: number };
  readonly waitSeconds: number;
  /** Seconds of making the batch, summed over its images, several of which are in work at once. */
  readonly batch: { readonly seconds: PartSeconds };
}

export interface WaitSettings {
  /** data.workers */
  readonly workers: number;
  /** data.prefetchBatches */
  readonly prefetchBatches: number;
  /** CPU threads of this machine. */
  readonly cores: number;
}

/** Turns that are looked at together. */
const WINDOW = 20;

/** Share of the time, from which on waiting is worth a word. */
const ALLOWED = 0.1;

/** Share of the workers' time; below it they are idle for long, and it is not their work that the step waits for. */
const BUSY = 0.6;

export class WaitWatch {
  readonly #settings: WaitSettings;
  #recent: readonly WatchedTurn[] = [];
  /** The first batches are waited for in any run: the stream has just begun. */
  readonly #unheeded: number;
  #turns = 0;
  #told = false;

  constructor(settings: WaitSettings) {
    this.#settings = settings;
    this.#unheeded = settings.prefetchBatches + 1;
  }

  /** Gives a hint at most once. */
  add(turn: WatchedTurn, onHint: (hint: string) => void): void {
    this.#turns += 1;
    if (this.#told || this.#turns <= this.#unheeded) return;
    this.#recent = [...this.#recent.slice(1 - WINDOW), turn];
    if (this.#recent.length < WINDOW) return;
    const hint = waitHint(this.#recent, this.#settings);
    if (hint === null) return;
    this.#told = true;
    onHint(hint);
  }
}

/** Null where these turns waited for no more than a tenth of their time. */
export function waitHint(turns: readonly WatchedTurn[], settings: WaitSettings): string | null {
  const waited = sum(turns, ({ waitSeconds }) => waitSeconds);
  const passed = sum(turns, ({ report, waitSeconds }) => report.seconds + waitSeconds);
  if (waited <= ALLOWED * passed) return null;
  const share = `the step waits for data ${percent(waited / passed)} of the time`;
  return `${share}: ${cause(turns, passed, settings)}`;
}

function cause(turns: readonly WatchedTurn[], passed: number, settings: WaitSettings): string {
  const parts = {
    read: sum(turns, ({ batch }) => batch.seconds.read),
    decode: sum(turns, ({ batch }) => batch.seconds.decode),
    render: sum(turns, ({ batch }) => batch.seconds.recipe + batch.seconds.render),
  };
  const work = parts.read + parts.decode + parts.render;
  if (work < BUSY * settings.workers * passed) return uneven(settings);
  const [slowest, seconds] = (Object.entries(parts) as [Part, number][]).reduce((most, part) =>
    part[1] > most[1] ? part : most,
  );
  return `${NAMES[slowest]} takes ${percent(seconds / work)} of the work on an image; ${advice(slowest, settings)}`;
}

type Part = "read" | "decode" | "render";

const NAMES: Readonly<Record<Part, string>> = {
  read: "reading files",
  decode: "decoding",
  render: "cropping and changing colors",
};

/** Reading waits for a disk or a network, and many may wait at once; the other parts each need a core. */
function advice(part: Part, { workers, cores }: WaitSettings): string {
  if (part === "read") {
    const more = `data.workers=${Math.max(workers + 1, Math.min(4 * workers, 4 * cores))}`;
    return `read more at once with --set ${more} (now ${workers}), pack the files into tar shards, or use a faster disk`;
  }
  if (workers < cores) {
    return `let more of the ${cores} cores work with --set data.workers=${Math.min(2 * workers, cores)} (now ${workers})`;
  }
  return part === "decode"
    ? `all ${cores} cores are in use: store the images smaller, with a shorter side of about 500 pixels`
    : `all ${cores} cores are in use: fewer or smaller crops (crops.localCrops) or more cores would help`;
}

/** The workers have time left: some batches take longer than others, and too few are ready. */
function uneven({ prefetchBatches }: WaitSettings): string {
  const more = `data.prefetchBatches=${2 * prefetchBatches}`;
  return `the batches come unevenly; keep more of them ready with --set ${more} (now ${prefetchBatches})`;
}

function sum(turns: readonly WatchedTurn[], value: (turn: WatchedTurn) => number): number {
  return turns.reduce((total, turn) => total + value(turn), 0);
}

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
