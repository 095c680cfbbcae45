/** The logs of a run while it goes on. A disk that is full for a while costs none of their lines. */
import { join } from "node:path";
import { JsonLines, readJsonLines } from "./json-lines.js";
import { lastJsonLines } from "./last-lines.js";
import type { EvaluationRecord, SkippedRecord, StepRecord, WatchRecord } from "./records.js";
import { RUN_FILES } from "./run-files.js";
import { TensorboardLog } from "./tensorboard/tensorboard-log.js";

export class RunLogs implements AsyncDisposable {
  readonly #metrics: JsonLines<StepRecord>;
  readonly #skipped: JsonLines<SkippedRecord>;
  readonly #evaluations: JsonLines<EvaluationRecord>;
  readonly #watch: JsonLines<WatchRecord>;
  /** Null: not asked for. */
  readonly #tensorboard: TensorboardLog | null;
  readonly #known: Known;
  readonly #onRemark: (line: string) => void;
  /** Whether the last write failed, which is told once. */
  #failing = false;

  private constructor(files: Files, known: Known, onRemark: (line: string) => void) {
    this.#metrics = files.metrics;
    this.#skipped = files.skipped;
    this.#evaluations = files.evaluations;
    this.#watch = files.watch;
    this.#tensorboard = files.tensorboard;
    this.#known = known;
    this.#onRemark = onRemark;
  }

  static async open({ folder, step, tensorboard, onRemark }: RunLogsOptions): Promise<RunLogs> {
    const [metrics, evaluations, watch] = [RUN_FILES.metrics, RUN_FILES.evaluations, RUN_FILES.watch].map(
      (name) => join(folder, name),
    ) as [string, string, string];
    const known = {
      last: (await lastJsonLines<StepRecord>(metrics, 1))[0] ?? null,
      evaluations: await all<EvaluationRecord>(evaluations),
      watch: await all<WatchRecord>(watch),
    };
    const files = {
      metrics: await JsonLines.open<StepRecord>(metrics),
      skipped: await JsonLines.open<SkippedRecord>(join(folder, RUN_FILES.skipped)),
      evaluations: await JsonLines.open<EvaluationRecord>(evaluations),
      watch: await JsonLines.open<WatchRecord>(watch),
      tensorboard: tensorboard ? await TensorboardLog.open(join(folder, RUN_FILES.tensorboard), step) : null,
    };
    return new RunLogs(files, known, onRemark);
  }

  async step(record: StepRecord, skipped: readonly SkippedRecord[]): Promise<void> {
    this.#known.last = record;
    await this.#tolerant(() => [
      this.#skipped.append(...skipped),
      this.#metrics.append(record),
      this.#tensorboard?.step(record),
    ]);
  }

  async evaluation(record: EvaluationRecord): Promise<void> {
    this.#known.evaluations.push(record);
    await this.#tolerant(() => [this.#evaluations.append(record), this.#tensorboard?.evaluation(record)]);
  }

  async watch(record: WatchRecord): Promise<void> {
    this.#known.watch.push(record);
    await this.#tolerant(() => [this.#watch.append(record), this.#tensorboard?.watch(record)]);
  }

  /** What was logged so far, in earlier parts of the run too, also where the disk has not taken it yet. */
  get logged(): Logged {
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
    const logs = [this.#metrics, this.#skipped, this.#evaluations, this.#watch];
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

async function all<Line>(file: string): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of readJsonLines<Line>(file)) lines.push(line);
  return lines;
}

/** Records by which a run is judged. */
export interface Logged {
  /** Null: no step was made here. */
  readonly last: StepRecord | null;
  readonly evaluations: readonly EvaluationRecord[];
  readonly watch: readonly WatchRecord[];
}

interface Known extends Logged {
  last: StepRecord | null;
  readonly evaluations: EvaluationRecord[];
  readonly watch: WatchRecord[];
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
  readonly watch: JsonLines<WatchRecord>;
  readonly tensorboard: TensorboardLog | null;
}
