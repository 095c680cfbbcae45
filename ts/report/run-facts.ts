/** Everything that a report says of one run. */
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { RunError } from "../errors.js";
import { type FlatConfig, flatConfig } from "../run/config-change.js";
import type { Environment } from "../run/environment.js";
import { readJsonLines } from "../run/json-lines.js";
import type { EvaluationRecord, SkippedRecord, StepRecord } from "../run/records.js";
import { RUN_FILES, readConfig } from "../run/run-files.js";
import { isRun } from "./find-runs.js";
import { metricValues } from "./metric-values.js";
import { type KnownCheckpoint, knownCheckpoints } from "./run-state.js";
import { type RunSummary, summarise } from "./run-summary.js";
import { Thinning, type ThinSeries } from "./thinning.js";

/** One part of a run: a resumed run has several. */
export type RunPart = Partial<Environment>;

export interface RunFacts {
  readonly summary: RunSummary;
  readonly metrics: ThinSeries;
  readonly evaluations: readonly EvaluationRecord[];
  /** By dotted key. */
  readonly config: FlatConfig;
  /** Newest first; none where environment.json is missing or damaged. */
  readonly parts: readonly RunPart[];
  readonly skipped: Skipped;
  /** Newest first. */
  readonly checkpoints: readonly KnownCheckpoint[];
}

export interface Skipped {
  readonly count: number;
  /** The newest ones, newest first. */
  readonly shown: readonly SkippedRecord[];
}

/** Points of a plot. */
const POINTS = 1000;

const SHOWN_SKIPPED = 100;

/** Throws RunError where there is no run, or its configuration cannot be read. */
export async function readRun(path: string): Promise<RunFacts> {
  const folder = resolve(path);
  if (!isRun(folder)) {
    throw new RunError(`report: expected the folder of a run, found none in ${folder}`, {
      hint: "npx udi-native runs DIR lists the runs below a folder",
    });
  }
  return {
    config: flatConfig(await readConfig(folder)),
    summary: await summarise({ name: basename(folder), folder }),
    metrics: await readMetrics(join(folder, RUN_FILES.metrics)),
    evaluations: await all<EvaluationRecord>(join(folder, RUN_FILES.evaluations)),
    parts: await readParts(join(folder, RUN_FILES.environment)),
    skipped: await readSkipped(join(folder, RUN_FILES.skipped)),
    checkpoints: await knownCheckpoints(folder),
  };
}

async function readMetrics(file: string): Promise<ThinSeries> {
  const thinning = new Thinning(POINTS);
  for await (const record of readJsonLines<StepRecord>(file)) {
    thinning.add({ step: record.step, values: metricValues(record) });
  }
  return thinning.result();
}

async function readSkipped(file: string): Promise<Skipped> {
  let count = 0;
  let shown: SkippedRecord[] = [];
  for await (const record of readJsonLines<SkippedRecord>(file)) {
    count += 1;
    shown = [record, ...shown.slice(0, SHOWN_SKIPPED - 1)];
  }
  return { count, shown };
}

async function all<Line>(file: string): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of readJsonLines<Line>(file)) lines.push(line);
  return lines;
}

async function readParts(file: string): Promise<RunPart[]> {
  try {
    const { earlier = [], ...last } = JSON.parse(await readFile(file, "utf8")) as RunPart & {
      earlier?: RunPart[];
    };
    return [last, ...earlier];
  } catch {
    return [];
  }
}
