/** The folder of a run while it goes on: what is logged, and checkpoints. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writtenConfig } from "../config/written.js";
import { RunError } from "../errors.js";
import type { Native } from "../native/engine.js";
import type { CheckpointRecord } from "./checkpoint-record.js";
import { CheckpointWriter } from "./checkpoint-writer.js";
import type { CheckpointFacts } from "./checkpoints.js";
import { configHash, fixedPart } from "./config-change.js";
import { occupied, type RunEntry } from "./enter-run.js";
import { addEnvironment, type Environment } from "./environment.js";
import { cutJsonLines } from "./json-lines.js";
import { cutPictures } from "./picture-folders.js";
import type { EvaluationRecord, SkippedRecord, StepRecord, WatchRecord } from "./records.js";
import { clearRequeue } from "./requeue.js";
import { configText, RUN_FILES } from "./run-files.js";
import { type Logged, RunLogs } from "./run-logs.js";
import { cutEvents } from "./tensorboard/cut-events.js";
import { unsaved } from "./unsaved.js";
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
  remarkOtherVersions(entry, environment);
  await claim(entry);
  await clearRequeue(folder);
  await mkdir(join(folder, RUN_FILES.checkpoints), { recursive: true });
  await removePartial(folder, OWN_NAMES);
  await removePartial(join(folder, RUN_FILES.checkpoints), /^\d+\./);
  await addEnvironment(join(folder, RUN_FILES.environment), environment);
  const { step } = checkpoint?.record ?? BEGINNING;
  await cutLogs(folder, step);
  const { tensorboard } = entry.config.logging;
  return new Run(entry, environment, await RunLogs.open({ ...entry, step, tensorboard }));
}

/** Logs and saves. Dispose of it when the run stops, however it stops; its entry goes with it. */
export class Run implements AsyncDisposable {
  readonly folder: string;
  readonly #entry: RunEntry;
  readonly #facts: Omit<CheckpointFacts, keyof Progress>;
  readonly #logs: RunLogs;
  readonly #checkpoints: CheckpointWriter;

  constructor(entry: RunEntry, { versions }: Environment, logs: RunLogs) {
    const { folder, config, dataset, checkpoint, onRemark } = entry;
    const fixed = fixedPart(writtenConfig(config));
    this.folder = folder;
    this.#entry = entry;
    this.#facts = { dataset, config: fixed, configHash: configHash(fixed), versions };
    this.#logs = logs;
    this.#checkpoints = new CheckpointWriter({
      parent: join(folder, RUN_FILES.checkpoints),
      newest: checkpoint === null ? null : { folder: checkpoint.folder, step: checkpoint.record.step },
      keeping: config.checkpoint,
      // What the logs hold up to this step must outlast a crash as surely as the checkpoint itself.
      before: () => logs.flush(),
      onRemark,
    });
  }

  /** Lines that the disk does not take are kept and written later. */
  async logStep(record: StepRecord, skipped: readonly SkippedRecord[]): Promise<void> {
    await this.#logs.step(record, skipped);
  }

  async logEvaluation(record: EvaluationRecord): Promise<void> {
    await this.#logs.evaluation(record);
  }

  async logWatch(record: WatchRecord): Promise<void> {
    await this.#logs.watch(record);
  }

  /** The run so far, also what was before it was resumed. */
  get logged(): Logged {
    return this.#logs.logged;
  }

  /**
   * Has the engine copy its state, and writes the checkpoint beside the steps that follow; waits for an earlier one. Where
   * it cannot be written the run goes on, with a remark.
   */
  async save(native: Pick<Native, "save">, progress: Progress): Promise<void> {
    await this.#checkpoints.save(native, { ...progress, ...this.#facts });
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await this.#checkpoints.settled();
  }

  /**
   * Resolves when the checkpoint of the last step made is whole. Where the disk has no room, older ones make way for it.
   * Throws StorageError where it cannot be written even so.
   */
  async complete(native: Pick<Native, "save">, progress: Progress): Promise<void> {
    await this.settled();
    if (!this.#has(progress)) await this.#saveNow(native, progress);
    if (!this.#has(progress) && (await this.#checkpoints.giveWay()) > 0)
      await this.#saveNow(native, progress);
    const failure = this.#has(progress) ? await this.#logs.failure() : this.#checkpoints.failure;
    if (failure !== null) throw await unsaved(this.folder, progress.step, failure);
  }

  async #saveNow(native: Pick<Native, "save">, progress: Progress): Promise<void> {
    await this.save(native, progress);
    await this.settled();
  }

  #has({ step }: Progress): boolean {
    return this.#checkpoints.newest?.step === step;
  }

  /** Folder of the newest whole checkpoint; null: none yet. */
  get newestCheckpoint(): string | null {
    return this.#checkpoints.newest?.folder ?? null;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    using _ = this.#entry; // others may enter when all is written
    await this.settled();
    await this.#logs[Symbol.asyncDispose]();
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

/** What computes, and may not give the same bits in another version. */
const COMPUTING = ["udi-native", "libtorch"];

function remarkOtherVersions({ checkpoint, onRemark }: RunEntry, { versions }: Environment): void {
  const before = checkpoint?.record.versions ?? {};
  for (const name of COMPUTING.filter(
    (name) => before[name] !== undefined && before[name] !== versions[name],
  )) {
    onRemark(
      `${name} was ${before[name]} and is now ${versions[name]}: the run may not come to the same bits`,
    );
  }
}

/** A new run must not meet one that another process has just started there. */
async function claim({ folder, config, mode }: RunEntry): Promise<void> {
  const file = join(folder, RUN_FILES.config);
  if (mode === "resume") return writeWholeFile(file, configText(config));
  if (!(await createWholeFile(file, configText(config)))) throw occupied(folder, RUN_FILES.config);
}

/** Leaves what was logged up to the checkpoint; the rest will be computed, and logged, again. */
async function cutLogs(folder: string, step: number): Promise<void> {
  for (const name of ["metrics", "skipped", "evaluations", "watch"] as const) {
    await cutJsonLines<{ step: number }>(join(folder, RUN_FILES[name]), (line) => line.step <= step);
  }
  await cutEvents(join(folder, RUN_FILES.tensorboard), step);
  await cutPictures(folder, step);
}
