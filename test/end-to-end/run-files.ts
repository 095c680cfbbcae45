/** Reads what a run left in its folder. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { StepRecord } from "../../ts/run/records.js";

export function jsonLines<Line>(file: string): Line[] {
  const text = readFileSync(file, "utf8");
  return text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Line]));
}

export function metrics(run: string): StepRecord[] {
  return jsonLines<StepRecord>(join(run, "metrics.jsonl"));
}

/** All that a run computed: its metrics without times, and its last state byte for byte. */
export function computed(run: string) {
  const measured = metrics(run).map((record) => ({ ...record, ...NO_TIMES }));
  return { measured, state: stateAt(run, checkpoints(run).at(-1) as number) };
}

const NO_TIMES = { seconds: 0, dataWaitSeconds: 0, dataSeconds: {}, imagesPerSecond: 0 };

/** What the state of a checkpoint is, byte for byte: its checksum. */
export function stateAt(run: string, step: number): string {
  const state = readFileSync(join(run, "checkpoints", String(step), "state.safetensors"));
  return createHash("sha256").update(state).digest("hex");
}

/** Steps of the run's checkpoints, oldest first. */
export function checkpoints(run: string): number[] {
  return readdirSync(join(run, "checkpoints"))
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .sort((a, b) => a - b);
}

/** Every file below a folder with its contents: to see that nothing was touched. */
export function contents(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    entries.map(({ parentPath, name }) => {
      const file = join(parentPath, name);
      return [file, readFileSync(file, "base64")];
    }),
  );
}
