/** What tells, without reading them, that files of a run have changed. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { RUN_FILES } from "../run/run-files.js";
import { isLocked } from "../run/run-lock.js";

/** Sizes and times of a run's files, and whether a process works on it: one that was killed leaves its files as they are. */
export async function runStamp(folder: string): Promise<string> {
  const stamps = await Promise.all(Object.values(RUN_FILES).map((name) => fileStamp(join(folder, name))));
  return [...stamps, isLocked(folder)].join(" ");
}

function fileStamp(file: string): Promise<string> {
  return stat(file).then(
    ({ size, mtimeMs, ino }) => `${size}:${mtimeMs}:${ino}`,
    () => "none",
  );
}
