/** Files and folders that are there whole or not at all: a temporary name, flushed to the disk, then renamed (law 5). */
import { existsSync } from "node:fs";
import { link, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Ends the name of what is not whole yet, or is about to go. */
const PARTIAL = ".partial";

/** Replaces `file`, if there is one. */
export async function writeWholeFile(
  file: string,
  content: string | Iterable<string> | Uint8Array,
): Promise<void> {
  const partial = await writePartialFile(file, content);
  await rename(partial, file);
  await flushFolder(dirname(file));
}

/** The same of a file that `fill` writes, under the name that it is given. */
export async function fillWholeFile(file: string, fill: (partial: string) => Promise<void>): Promise<void> {
  const partial = partialName(file);
  try {
    await fill(partial);
    await flush(partial);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
  await rename(partial, file);
  await flushFolder(dirname(file));
}

/** Returns false, and leaves it as it is, if `file` exists already. */
export async function createWholeFile(file: string, text: string): Promise<boolean> {
  const partial = await writePartialFile(file, text);
  try {
    await link(partial, file); // unlike rename, fails where the name is taken
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(partial, { force: true });
  }
  await flushFolder(dirname(file));
  return true;
}

/** `fill` writes the files of an empty folder, which then takes the place of `folder`. */
export async function writeWholeFolder(
  folder: string,
  fill: (partial: string) => Promise<void>,
): Promise<void> {
  await makePartialFolder(folder);
  await fillWholeFolder(folder, fill);
}

/** The first half of `writeWholeFolder`: an empty folder under a temporary name, which is returned. */
export async function makePartialFolder(folder: string): Promise<string> {
  const partial = folder + PARTIAL;
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  return partial;
}

/** The second half: what `fill` leaves in the folder of `makePartialFolder` takes the place of `folder`. */
export async function fillWholeFolder(
  folder: string,
  fill: (partial: string) => Promise<void>,
): Promise<void> {
  const partial = folder + PARTIAL;
  try {
    await fill(partial);
    for (const name of await readdir(partial)) await flush(join(partial, name));
    await flushFolder(partial);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await removeWholeFolder(folder);
  await rename(partial, folder);
  await flushFolder(dirname(folder));
}

/** After it, or a crash in it, the folder is either whole or gone. */
export async function removeWholeFolder(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const leaving = `${folder}.old${PARTIAL}`;
  await rm(leaving, { recursive: true, force: true });
  await rename(folder, leaving);
  await rm(leaving, { recursive: true, force: true });
}

/** Removes what a crash left in `folder` under temporary names of files and folders that are called like `names`. */
export async function removePartial(folder: string, names: RegExp): Promise<void> {
  for (const name of await readdir(folder)) {
    if (name.endsWith(PARTIAL) && names.test(name))
      await rm(join(folder, name), { recursive: true, force: true });
  }
}

async function writePartialFile(
  file: string,
  content: string | Iterable<string> | Uint8Array,
): Promise<string> {
  const partial = partialName(file);
  await writeFile(partial, content, { flush: true });
  return partial;
}

function partialName(file: string): string {
  return join(dirname(file), `${basename(file)}.${process.pid}${PARTIAL}`);
}

async function flush(file: string): Promise<void> {
  const handle = await open(file, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** So that a name survives a power failure, and not only what it names. */
const flushFolder = flush;
