/** The folder of a run while it goes on: what is logged, and checkpoints. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writtenConfig } from "../config/written.js";
import { RunError } from "../errors.js";
import type { Native } from "../native/engine.js";
import type { CheckpointRecord } from "./checkpoint-record.js";
import { pruneCheckpoints, writeCheckpoint } from "./checkpoints.js";
import { configHash, fixedPart } from "./config-change.js";
import { occupied, type RunEntry } from "./enter-run.js";
import { addEnvironment, type Environment } from "./environment.js";
import { cutJsonLines, JsonLines, readJsonLines } from "./json-lines.js";
import type { EvaluationRecord, SkippedRecord, StepRecord } from "./records.js";
import { configText, RUN_FILES } from "./run-files.js";
import { createWholeFile, removePartial, writeWholeFile } from "./whole-files.js";

/** How far a run has come. */
export type Progress = Pick<CheckpointRecord, "step" | "position" | "samples">;

/** In a folder that may hold other things too. */
const OWN_NAMES = new RegExp(`^(${Object.values(RUN_FILES).join("|")})\\.`);

/** Takes the folder: from here on it holds this run. Logs are cut to the checkpoint from which it goes on. */
export async function openRun(entry: RunEntry, environment: Environment): Promise<Run> {
  return writing(entry.folder, () => open(entry, environment));
}

async function open(entry: RunEntry, environment: Environment): Promise<Run> {
  const { folder, checkpoint } = entry;
  await claim(entry);
  await mkdir(join(folder, RUN_FILES.checkpoints), { recursive: true });
  await removePartial(folder, OWN_NAMES);
  await removePartial(join(folder, RUN_FILES.checkpoints), /^\d+\./);
  await addEnvironment(join(folder, RUN_FILES.environment), environment);
  await cutLogs(folder, checkpoint?.record ?? BEGINNING);
  return new Run(entry, environment, await openLogs(folder));
}

/** Logs and saves. Dispose of it when the run stops, however it stops. */
export class Run implements AsyncDisposable {
  readonly folder: string;
  readonly #entry: RunEntry;
  readonly #versions: Readonly<Record<string, string>>;
  readonly #logs: Logs;
  #newest: string | null;

  constructor(entry: RunEntry, environment: Environment, logs: Logs) {
    this.folder = entry.folder;
    this.#entry = entry;
    this.#versions = environment.versions;
    this.#logs = logs;
    this.#newest = entry.checkpoint?.folder ?? null;
  }

  async logStep(record: StepRecord, skipped: readonly SkippedRecord[]): Promise<void> {
    await writing(this.folder, async () => {
      await this.#logs.skipped.append(...skipped);
      await this.#logs.metrics.append(record);
    });
  }

  async logEvaluation(record: EvaluationRecord): Promise<void> {
    await writing(this.folder, () => this.#logs.evaluations.append(record));
  }

  /** All evaluations of the run so far, also those before it was resumed. */
  async evaluations(): Promise<EvaluationRecord[]> {
    const records: EvaluationRecord[] = [];
    for await (const record of readJsonLines<EvaluationRecord>(join(this.folder, RUN_FILES.evaluations))) {
      records.push(record);
    }
    return records;
  }

  /** Writes a checkpoint and removes those that need not be kept. */
  async save(native: Pick<Native, "save">, progress: Progress): Promise<void> {
    await writing(this.folder, () => this.#save(native, progress));
  }

  async #save(native: Pick<Native, "save">, progress: Progress): Promise<void> {
    const { config, dataset } = this.#entry;
    const parent = join(this.folder, RUN_FILES.checkpoints);
    // What the logs hold up to this step must outlast a crash as surely as the checkpoint itself.
    for (const log of Object.values(this.#logs)) await log.flush();
    const fixed = fixedPart(writtenConfig(config));
    const facts = { dataset, config: fixed, configHash: configHash(fixed), versions: this.#versions };
    this.#newest = await writeCheckpoint(parent, native, { ...progress, ...facts });
    await pruneCheckpoints(parent, progress.step, config.checkpoint);
  }

  /** Folder of the newest whole checkpoint; null: none yet. */
  get newestCheckpoint(): string | null {
    return this.#newest;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const log of Object.values(this.#logs)) await log[Symbol.asyncDispose]();
  }
}

/** Before the first step. */
export const BEGINNING: Progress = {
  step: 0,
  position: { epoch: 0, index: 0 },
  samples: { seen: 0, skipped: 0 },
};

/** A full disk, or a folder that was taken away, is something that the user can mend. */
async function writing<T>(folder: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    if (!(cause instanceof Error && "syscall" in cause)) throw cause;
    throw new RunError(`run folder ${folder}: cannot be written: ${cause.message}`, {
      hint: "free some space or permit writing, then go on with --resume",
      cause,
    });
  }
}

interface Logs {
  readonly metrics: JsonLines<StepRecord>;
  readonly skipped: JsonLines<SkippedRecord>;
  readonly evaluations: JsonLines<EvaluationRecord>;
}

/** A new run must not meet one that another process has just started there. */
async function claim({ folder, config, mode }: RunEntry): Promise<void> {
  const file = join(folder, RUN_FILES.config);
  if (mode === "resume") return writeWholeFile(file, configText(config));
  if (!(await createWholeFile(file, configText(config)))) throw occupied(folder, RUN_FILES.config);
}

/** Leaves what was logged up to the checkpoint; the rest will be computed, and logged, again. */
async function cutLogs(folder: string, { step }: Progress): Promise<void> {
  for (const name of ["metrics", "skipped", "evaluations"] as const) {
    await cutJsonLines<{ step: number }>(join(folder, RUN_FILES[name]), (line) => line.step <= step);
  }
}

async function openLogs(folder: string): Promise<Logs> {
  return {
    metrics: await JsonLines.open(join(folder, RUN_FILES.metrics)),
    skipped: await JsonLines.open(join(folder, RUN_FILES.skipped)),
    evaluations: await JsonLines.open(join(folder, RUN_FILES.evaluations)),
  };
}
