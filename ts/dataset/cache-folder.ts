/** Where things are kept that can be made again: nothing in it is missed when it is deleted. */
import { readdir, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";

/** `$XDG_CACHE_HOME/udi-native`, by default `~/.cache/udi-native`. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const cache = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  return join(cache, "udi-native");
}

/** Ends the names of what is not whole yet. */
export const PARTIAL = ".partial";

const HOUR = 3_600_000;

/** Removes from `folder` what processes that were killed have left: nobody has written to it for an hour. */
export async function removeAbandoned(folder: string, prefix = ""): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!(name.startsWith(prefix) && name.endsWith(PARTIAL))) continue;
    const partial = join(folder, name);
    const { mtimeMs } = await stat(partial);
    if (Date.now() - mtimeMs > HOUR) await rm(partial, { recursive: true, force: true });
  }
}
