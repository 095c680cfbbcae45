/** `udi-native report`: runs -> one HTML file. */
import { mkdir, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { RunError } from "../errors.js";
import { writeWholeFile } from "../run/whole-files.js";
import { pageText } from "./page.js";
import { readPageAssets } from "./page-assets.js";
import { type RunFacts, readRun } from "./run-facts.js";
import { inlinedPictures } from "./run-pictures.js";

export interface ReportRequest {
  /** Folder of the run. */
  readonly run: string;
  /** Folders of runs that it is compared to. */
  readonly compare?: readonly string[];
  /** The HTML file; one that is there is replaced. */
  readonly out: string;
  /** What the report names as its origin. */
  readonly command?: string;
}

export interface WrittenReport {
  /** Absolute. */
  readonly file: string;
  readonly bytes: number;
  readonly runs: readonly RunFacts["summary"][];
}

/** There are so many colours that can be told apart. */
export const MOST_RUNS = 8;

/** Throws RunError where there is no run, or too many; the file is written whole or not at all. */
export async function writeReport({
  run,
  compare = [],
  out,
  command = "udi-native report",
}: ReportRequest): Promise<WrittenReport> {
  const paths = [run, ...compare];
  if (paths.length > MOST_RUNS) {
    throw new RunError(`report: expected at most ${MOST_RUNS} runs, received ${paths.length}`, {
      hint: "several reports, or npx udi-native runs DIR for a table of all",
    });
  }
  const runs: RunFacts[] = [];
  for (const path of paths) runs.push(await readRun(path));
  const file = resolve(out);
  const pictures = await inlinedPictures(runs.map((one) => one.pictures));
  const text = pageText(
    { runs: named(runs), pictures, command, madeAt: new Date().toISOString() },
    await readPageAssets(),
  );
  await write(file, text);
  return { file, bytes: (await stat(file)).size, runs: runs.map(({ summary }) => summary) };
}

async function write(file: string, text: string): Promise<void> {
  const refused = (reason: string, cause?: unknown) =>
    new RunError(`report: expected a file that can be written, received ${file}: ${reason}`, {
      hint: "--out FILE",
      cause,
    });
  if ((await stat(file).catch(() => null))?.isDirectory()) throw refused("it is a folder");
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeWholeFile(file, text);
  } catch (cause) {
    throw refused(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

/** Runs whose folders are called the same go by their whole paths. */
function named(runs: readonly RunFacts[]): RunFacts[] {
  const names = runs.map(({ summary }) => summary.name);
  return runs.map((run) => {
    const { name, folder } = run.summary;
    const taken = names.filter((other) => other === name).length > 1;
    return { ...run, summary: { ...run.summary, name: taken ? folder : name } };
  });
}
