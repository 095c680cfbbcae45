/** All runs below a folder in a few numbers each. */
import { findRuns } from "./find-runs.js";
import { type RunSummary, summarise } from "./run-summary.js";

/** In the order of their names. Throws RunError where there is no such folder. */
export async function listRuns(folder: string): Promise<RunSummary[]> {
  const runs: RunSummary[] = [];
  for (const place of await findRuns(folder)) runs.push(await summarise(place));
  return runs;
}
