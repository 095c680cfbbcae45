/** Pictures of runs as files of their own: a page stays small, and a browser asks for each of them once. */
import { open, realpath } from "node:fs/promises";
import { relative, sep } from "node:path";
import { RunError } from "../errors.js";
import type { RunFacts } from "../report/run-facts.js";
import type { PictureSource, RunPicture, RunPictures } from "../report/run-pictures.js";

/** Addresses under which pages of these runs name their pictures; one that is replaced gets another address. */
export function servedPictures(path: string, runs: readonly RunFacts[]): PictureSource {
  const addresses = new Map<string, string>();
  for (const { summary, pictures } of runs) {
    for (const picture of picturesOf(pictures)) {
      const file = relative(summary.folder, picture.file);
      const query = new URLSearchParams({ run: summary.name, file, bytes: String(picture.bytes) });
      addresses.set(picture.file, `${path}?${query}`);
    }
  }
  return ({ file }) => addresses.get(file) ?? "data:,";
}

/**
 * Bytes of a picture of a run. Its name is compared with those that the run has; throws RunError where it is none of them, or
 * does not lie in the folder that is served.
 */
export async function readPicture({ summary, pictures }: RunFacts, name: string | null): Promise<Buffer> {
  const found = picturesOf(pictures).find(({ file }) => relative(summary.folder, file) === name);
  if (found === undefined || !(await staysIn(summary.folder, found.file))) {
    throw new RunError(`expected the name of a picture of ${summary.name}, received ${JSON.stringify(name)}`);
  }
  await using handle = await open(found.file);
  return await handle.readFile();
}

function picturesOf({ crops, shown }: RunPictures): RunPicture[] {
  return [...crops, ...shown.flatMap(({ features, neighbours }) => [features, neighbours])];
}

/** Once more, just before it is read: a file may have been replaced by a link. */
async function staysIn(folder: string, file: string): Promise<boolean> {
  const real = await realpath(file).catch(() => "");
  return real.startsWith(`${folder}${sep}`);
}
