/** Reads a run again and again: its logs from where they ended the last time. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { batchesPerEpoch } from "../dataset/epoch-order.js";
import { type FlatConfig, flatConfig } from "../run/config-change.js";
import { FollowedLines } from "../run/followed-lines.js";
import type { EvaluationRecord, WatchRecord } from "../run/records.js";
import { RUN_FILES, readConfig } from "../run/run-files.js";
import { GatheredLines, GatheredSkipped, GatheredSteps } from "./gathered-logs.js";
import type { RunFacts, RunPart } from "./run-facts.js";
import { runPictures } from "./run-pictures.js";
import { knownCheckpoints } from "./run-state.js";
import type { RunSummary } from "./run-summary.js";

export class RunReader {
  readonly #folder: string;
  readonly #steps;
  readonly #evaluations;
  readonly #watch;
  readonly #skipped;

  /** `folder`: of the run. */
  constructor(folder: string) {
    const log = (name: string) => join(folder, name);
    this.#folder = folder;
    this.#steps = new FollowedLines(log(RUN_FILES.metrics), () => new GatheredSteps());
    this.#evaluations = new FollowedLines(
      log(RUN_FILES.evaluations),
      () => new GatheredLines<EvaluationRecord>(),
    );
    this.#watch = new FollowedLines(log(RUN_FILES.watch), () => new GatheredLines<WatchRecord>());
    this.#skipped = new FollowedLines(log(RUN_FILES.skipped), () => new GatheredSkipped());
  }

  /** `summary`: of the run as it is now. Throws RunError where the configuration cannot be read. */
  async read(summary: RunSummary): Promise<RunFacts> {
    const folder = this.#folder;
    const config = flatConfig(await readConfig(folder));
    const parts = await readParts(join(folder, RUN_FILES.environment));
    const steps = await this.#steps.read();
    return {
      config,
      parts,
      summary,
      metrics: steps.thinning.result(),
      epochs: steps.epochs.result(stepsPerEpoch(config, parts)),
      evaluations: (await this.#evaluations.read()).lines,
      watch: (await this.#watch.read()).lines,
      skipped: (await this.#skipped.read()).skipped,
      checkpoints: await knownCheckpoints(folder),
      pictures: await runPictures(folder),
    };
  }
}

/** Null where that was not recorded. */
function stepsPerEpoch(config: FlatConfig, parts: readonly RunPart[]): number | null {
  const [images, batchSize] = [parts[0]?.dataset?.images, config["training.batchSize"]];
  if (images === undefined || typeof batchSize !== "number") return null;
  return Math.max(1, batchesPerEpoch(images, batchSize));
}

/** None where the file is missing or damaged. */
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
