/** Everything that a report says of one run. */
import { basename, resolve } from "node:path";
import { RunError } from "../errors.js";
import type { FlatConfig } from "../run/config-change.js";
import type { Environment } from "../run/environment.js";
import type { EvaluationRecord, WatchRecord } from "../run/records.js";
import type { EpochPlace } from "./epoch-places.js";
import { isRun } from "./find-runs.js";
import type { Skipped } from "./gathered-logs.js";
import type { RunPictures } from "./run-pictures.js";
import { RunReader } from "./run-reader.js";
import type { KnownCheckpoint } from "./run-state.js";
import { type RunSummary, summarise } from "./run-summary.js";
import type { ThinSeries } from "./thinning.js";

/** One part of a run: a resumed run has several. */
export type RunPart = Partial<Environment>;

export interface RunFacts {
  readonly summary: RunSummary;
  readonly metrics: ThinSeries;
  /** None where no step has been made. */
  readonly epochs: readonly EpochPlace[];
  readonly evaluations: readonly EvaluationRecord[];
  readonly watch: readonly WatchRecord[];
  /** By dotted key. */
  readonly config: FlatConfig;
  /** Newest first; none where environment.json is missing or damaged. */
  readonly parts: readonly RunPart[];
  readonly skipped: Skipped;
  /** Newest first. */
  readonly checkpoints: readonly KnownCheckpoint[];
  readonly pictures: RunPictures;
}

/** Throws RunError where there is no run, or its configuration cannot be read. */
export async function readRun(path: string): Promise<RunFacts> {
  const folder = resolve(path);
  if (!isRun(folder)) {
    throw new RunError(`report: expected the folder of a run, found none in ${folder}`, {
      hint: "npx udi-native runs DIR lists the runs below a folder",
    });
  }
  const summary = await summarise({ name: basename(folder), folder });
  return new RunReader(folder).read(summary);
}
