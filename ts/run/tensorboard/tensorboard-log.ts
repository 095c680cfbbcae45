/** A run's steps, evaluations and collapse watch for TensorBoard: `tensorboard/`, one event file for each part of the run. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { GrowingFile } from "../growing-file.js";
import type { EvaluationRecord, StepRecord, WatchRecord } from "../records.js";
import { eventFiles } from "./cut-events.js";
import { restartRecord, scalarRecord, versionRecord } from "./event-record.js";
import { evaluationScalars, stepScalars, watchScalars } from "./scalars.js";

export class TensorboardLog implements AsyncDisposable {
  readonly #file: GrowingFile;

  private constructor(file: GrowingFile) {
    this.#file = file;
  }

  /**
   * Begins the file of a part that goes on after `step`; those of earlier parts are cut to it already (`cutEvents`). A
   * TensorBoard that is open meanwhile has seen more, and is told to forget it.
   */
  static async open(folder: string, step: number): Promise<TensorboardLog> {
    await mkdir(folder, { recursive: true });
    const part = (await eventFiles(folder)).length;
    // TensorBoard reads the files of a folder in the order of their names.
    const file = await GrowingFile.open(
      join(folder, `events.out.tfevents.${String(part).padStart(10, "0")}`),
    );
    await file.append(versionRecord(now()), ...(part === 0 ? [] : [restartRecord(now(), step + 1)]));
    return new TensorboardLog(file);
  }

  /** Rejects where the disk does not take it; it is not lost. */
  async step(record: StepRecord): Promise<void> {
    await this.#file.append(scalarRecord({ time: now(), step: record.step, scalars: stepScalars(record) }));
  }

  async evaluation(record: EvaluationRecord): Promise<void> {
    const scalars = evaluationScalars(record);
    await this.#file.append(scalarRecord({ time: now(), step: record.step, scalars }));
  }

  async watch(record: WatchRecord): Promise<void> {
    const scalars = watchScalars(record);
    await this.#file.append(scalarRecord({ time: now(), step: record.step, scalars }));
  }

  async flush(): Promise<void> {
    await this.#file.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
  }
}

function now(): number {
  return Date.now() / 1000;
}
