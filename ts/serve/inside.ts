/** Whether all that is read of a run lies in the folder that is served. */
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";

/** Nothing of a run that is read lies deeper. */
const DEPTH = 4;

/** False where a link leads out of `root` or nowhere, or something is neither file nor folder: reading that may never end. */
export async function liesInside(folder: string, root: string, depth = DEPTH): Promise<boolean> {
  if (depth === 0) return true;
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) {
    if (!(await isInside(entry, { folder, root, depth }))) return false;
  }
  return true;
}

interface Place {
  readonly folder: string;
  readonly root: string;
  readonly depth: number;
}

async function isInside(entry: Dirent, { folder, root, depth }: Place): Promise<boolean> {
  const path = join(folder, entry.name);
  if (entry.isFile()) return true;
  if (entry.isDirectory()) return liesInside(path, root, depth - 1);
  if (!entry.isSymbolicLink()) return false;
  const real = await realpath(path).catch(() => null);
  if (real === null || !`${real}${sep}`.startsWith(root.endsWith(sep) ? root : `${root}${sep}`)) return false;
  const found = await stat(real);
  return found.isDirectory() ? liesInside(real, root, depth - 1) : found.isFile();
}
