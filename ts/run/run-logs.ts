/** The logs of a run while it goes on. A disk that is full for a while costs none of their lines. */
import { join } from "node:path";
import { JsonLines, readJsonLines } from "./json-lines.js";
import type { EvaluationRecord, SkippedRecord, StepRecord } from "./records.js";
import { RUN_FILES } from "./run-files.js";
import { TensorboardLog } from "./tensorboard/tensorboard-log.js";

export class RunLogs implements AsyncDisposable {
  readonly #metrics: JsonLines<StepRecord>;
  readonly #skipped: JsonLines<SkippedRecord>;
  readonly #evaluations: JsonLines<EvaluationRecord>;
  /** Null: not asked for. */
  readonly #tensorboard: TensorboardLog | null;
  readonly #known: EvaluationRecord[];
  readonly #onRemark: (line: string) => void;
  /** Whether the last write failed, which is told once. */
  #failing = false;

  private constructor(files: Files, known: EvaluationRecord[], onRemark: (line: string) => void) {
    this.#metrics = files.metrics;
    this.#skipped = files.skipped;
    this.#evaluations = files.evaluations;
    this.#tensorboard = files.tensorboard;
    this.#known = known;
    this.#onRemark = onRemark;
  }

  static async open({ folder, step, tensorboard, onRemark }: RunLogsOptions): Promise<RunLogs> {
    const evaluations = join(folder, RUN_FILES.evaluations);
    const known: EvaluationRecord[] = [];
    for await (const record of readJsonLines<EvaluationRecord>(evaluations)) known.push(record);
    const files = {
      metrics: await JsonLines.open<StepRecord>(join(folder, RUN_FILES.metrics)),
      skipped: await JsonLines.open<SkippedRecord>(join(folder, RUN_FILES.skipped)),
      evaluations: await JsonLines.open<EvaluationRecord>(evaluations),
      tensorboard: tensorboard ? await TensorboardLog.open(join(folder, RUN_FILES.tensorboard), step) : null,
    };
    return new RunLogs(files, known, onRemark);
  }

  async step(record: StepRecord, skipped: readonly SkippedRecord[]): Promise<void> {
    await this.#tolerant(() => [
      this.#skipped.append(...skipped),
      this.#metrics.append(record),
      this.#tensorboard?.step(record),
    ]);
  }

  async evaluation(record: EvaluationRecord): Promise<void> {
    this.#known.push(record);
    await this.#tolerant(() => [this.#evaluations.append(record), this.#tensorboard?.evaluation(record)]);
  }

  /** Also those that the disk has not taken yet. */
  get evaluations(): readonly EvaluationRecord[] {
    return this.#known;
  }

  /** Everything logged is on the disk when it resolves. */
  async flush(): Promise<void> {
    for (const log of this.#all()) await log.flush();
  }

  /** Tries to flush; why that fails, or null. */
  async failure(): Promise<Error | null> {
    try {
      await this.flush();
      return null;
    } catch (error) {
      return error as Error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const log of this.#all()) await log[Symbol.asyncDispose]();
  }

  #all() {
    const logs = [this.#metrics, this.#skipped, this.#evaluations];
    return this.#tensorboard === null ? logs : [...logs, this.#tensorboard];
  }

  async #tolerant(write: () => readonly (Promise<void> | undefined)[]): Promise<void> {
    try {
      await Promise.all(write());
      if (this.#failing) this.#onRemark("the logs are written again, with all lines of the meantime");
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#onRemark(`${(error as Error).message}: log lines are kept and written later`);
      this.#failing = true;
    }
  }
}

export interface RunLogsOptions {
  readonly folder: string;
  /** Steps made before: the logs end there. */
  readonly step: number;
  readonly tensorboard: boolean;
  readonly onRemark: (line: string) => void;
}

interface Files {
  readonly metrics: JsonLines<StepRecord>;
  readonly skipped: JsonLines<SkippedRecord>;
  readonly evaluations: JsonLines<EvaluationRecord>;
  readonly tensorboard: TensorboardLog | null;
}
