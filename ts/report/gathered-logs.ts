/** What a report keeps of the logs of a run, line by line. */
import type { Gathering } from "../run/followed-lines.js";
import type { SkippedRecord, StepRecord } from "../run/records.js";
import { EpochPlaces } from "./epoch-places.js";
import { metricValues } from "./metric-values.js";
import { Thinning } from "./thinning.js";

/** Points of a plot. */
const POINTS = 1000;

const SHOWN_SKIPPED = 100;

/** `metrics.jsonl` */
export class GatheredSteps implements Gathering<StepRecord> {
  readonly thinning = new Thinning(POINTS);
  readonly epochs = new EpochPlaces();

  add(record: StepRecord): void {
    this.thinning.add({ step: record.step, values: metricValues(record) });
    this.epochs.add(record);
  }
}

/** A log that is short enough to be kept whole. */
export class GatheredLines<Line> implements Gathering<Line> {
  readonly #lines: Line[] = [];

  /** Oldest first, in a list of its own. */
  get lines(): readonly Line[] {
    return [...this.#lines];
  }

  add(line: Line): void {
    this.#lines.push(line);
  }
}

export interface Skipped {
  readonly count: number;
  /** The newest ones, newest first. */
  readonly shown: readonly SkippedRecord[];
}

/** `skipped.jsonl` */
export class GatheredSkipped implements Gathering<SkippedRecord> {
  #skipped: Skipped = { count: 0, shown: [] };

  get skipped(): Skipped {
    return this.#skipped;
  }

  add(record: SkippedRecord): void {
    const { count, shown } = this.#skipped;
    this.#skipped = { count: count + 1, shown: [record, ...shown.slice(0, SHOWN_SKIPPED - 1)] };
  }
}
