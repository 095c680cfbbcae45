/** `requeue` in a run's folder: the run was told to stop before its end and wants to be started again. */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { RUN_FILES } from "./run-files.js";
import { writeWholeFile } from "./whole-files.js";

export interface RequeueMarker {
  /** The signal that stopped the run. */
  readonly signal: string;
  /** Steps made. */
  readonly step: number;
  /** ISO 8601, UTC. */
  readonly time: string;
  /** What goes on with it. */
  readonly command: string;
}

/** Stays until the run is taken up again. */
export async function markForRequeue(folder: string, marker: RequeueMarker): Promise<void> {
  await writeWholeFile(join(folder, RUN_FILES.requeue), `${JSON.stringify(marker, null, 2)}\n`);
}

export async function clearRequeue(folder: string): Promise<void> {
  await rm(join(folder, RUN_FILES.requeue), { force: true });
}
