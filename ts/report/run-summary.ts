/** A run in a few numbers, read without going through its whole logs. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { configHash, fixedPart } from "../run/config-change.js";
import { readJsonLines } from "../run/json-lines.js";
import { lastJsonLines } from "../run/last-lines.js";
import type { EvaluationRecord, StepRecord, WatchRecord } from "../run/records.js";
import { RUN_FILES, readConfig } from "../run/run-files.js";
import type { RunPlace } from "./find-runs.js";
import { knownCheckpoints, type RunState, stateOf } from "./run-state.js";

export interface BestScore {
  /** Share of the held-out images, in [0, 1]. */
  readonly top1: number;
  readonly neighbours: number;
  /** Steps made before it; 0: the untrained network. */
  readonly step: number;
}

export interface RunSummary extends RunPlace {
  readonly state: RunState;
  /** Epoch of the last step, counted from 1; 0: no step yet. */
  readonly epoch: number;
  /** Null: the configuration cannot be read. */
  readonly epochs: number | null;
  readonly step: number;
  /** Means over the last steps; null: no step yet. */
  readonly loss: number | null;
  readonly imagesPerSecond: number | null;
  /** k-NN on held-out images; null: never made. */
  readonly best: BestScore | null;
  /** Signs of a collapse that the last look found; null: never looked. */
  readonly signs: readonly string[] | null;
  /** ISO 8601, UTC: when something was last logged or configured; null: not known. */
  readonly changedAt: string | null;
  /** Names what the run computes; null: the configuration cannot be read. */
  readonly configHash: string | null;
}

/** Steps that the means go over. */
const LAST_STEPS = 20;

export async function summarise(place: RunPlace): Promise<RunSummary> {
  const { folder } = place;
  const config = await readConfig(folder).catch(() => null);
  const epochs = epochsOf(config);
  const checkpoints = await knownCheckpoints(folder);
  const steps = await lastJsonLines<StepRecord>(join(folder, RUN_FILES.metrics), LAST_STEPS);
  const last = steps.at(-1);
  return {
    ...place,
    state: stateOf({ folder, checkpoints, epochs }),
    epoch: last?.epoch ?? 0,
    epochs,
    step: last?.step ?? 0,
    loss: meanLoss(steps),
    imagesPerSecond: pace(steps),
    best: await bestScore(folder),
    signs: await lastSigns(folder),
    changedAt: await changedAt(folder),
    configHash: config === null ? null : configHash(fixedPart(config)),
  };
}

function epochsOf(config: Readonly<Record<string, unknown>> | null): number | null {
  const epochs = (config?.training as { epochs?: unknown } | undefined)?.epochs;
  return typeof epochs === "number" ? epochs : null;
}

function meanLoss(steps: readonly StepRecord[]): number | null {
  const losses = steps.map(({ loss }) => loss).filter((loss) => Number.isFinite(loss));
  return losses.length === 0 ? null : losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

/** Images over time, not the mean of the steps' rates: a step that waited long counts for as long. */
function pace(steps: readonly StepRecord[]): number | null {
  let [images, time] = [0, 0];
  for (const { seconds, dataWaitSeconds, imagesPerSecond } of steps) {
    images += imagesPerSecond * (seconds + dataWaitSeconds);
    time += seconds + dataWaitSeconds;
  }
  return time > 0 ? images / time : null;
}

async function bestScore(folder: string): Promise<BestScore | null> {
  let best: BestScore | null = null;
  for await (const { step, scores } of readJsonLines<EvaluationRecord>(join(folder, RUN_FILES.evaluations))) {
    for (const { top1, neighbours } of scores) {
      if (best === null || top1 > best.top1) best = { top1, neighbours, step };
    }
  }
  return best;
}

async function lastSigns(folder: string): Promise<readonly string[] | null> {
  const [last] = await lastJsonLines<WatchRecord>(join(folder, RUN_FILES.watch), 1);
  return last?.signs ?? null;
}

async function changedAt(folder: string): Promise<string | null> {
  const names = [RUN_FILES.config, RUN_FILES.metrics, RUN_FILES.evaluations, RUN_FILES.checkpoints];
  const times = names.map((name) =>
    stat(join(folder, name)).then(
      (found) => found.mtimeMs,
      () => 0,
    ),
  );
  const newest = Math.max(...(await Promise.all(times)));
  return newest === 0 ? null : new Date(newest).toISOString();
}
