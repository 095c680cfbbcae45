/** The embedded data set, rendered on first use into the cache folder; nothing is downloaded. */
import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, join } from "node:path";
import { DataError } from "../../errors.js";
import { QUICKSTART_IMAGES, renderQuickstart } from "./render.js";

/** Class folders. */
export interface QuickstartData {
  readonly train: string;
  readonly heldOut: string;
}

export interface QuickstartOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Called while it is rendered, with numbers of images; never where the data are there already. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Raise it whenever the images change. */
const VERSION = 2;

/** Rendered whole or not at all; of two processes that render at once, one wins and both get its data. */
export async function quickstartData(options: QuickstartOptions = {}): Promise<QuickstartData> {
  const folder = quickstartFolder(options.env);
  if (!(await exists(folder))) await renderInto(folder, options);
  return { train: join(folder, "train"), heldOut: join(folder, "held-out") };
}

/** `$XDG_CACHE_HOME/udi-native/quickstart-v<version>` */
export function quickstartFolder(env: NodeJS.ProcessEnv = process.env): string {
  const cache = env.XDG_CACHE_HOME || join(env.HOME || homedir(), ".cache");
  return join(cache, "udi-native", `quickstart-v${VERSION}`);
}

async function renderInto(folder: string, { onProgress }: QuickstartOptions): Promise<void> {
  const partial = `${folder}.${randomUUID()}.partial`;
  try {
    await mkdir(dirname(folder), { recursive: true });
    await removeAbandoned(folder);
    await renderQuickstart(partial, (done) => onProgress?.(done, QUICKSTART_IMAGES));
    await rename(partial, folder);
  } catch (cause) {
    if (!(await exists(folder))) throw isSystemError(cause) ? unwritable(folder, cause) : cause;
  } finally {
    await rm(partial, { recursive: true, force: true }).catch(() => {});
  }
}

/** Removes what processes that were killed have left: nobody has written to it for an hour. */
async function removeAbandoned(folder: string): Promise<void> {
  for (const name of await readdir(dirname(folder))) {
    if (!(name.startsWith(`${basename(folder)}.`) && name.endsWith(".partial"))) continue;
    const partial = join(dirname(folder), name);
    const { mtimeMs } = await stat(partial);
    if (Date.now() - mtimeMs > 3_600_000) await rm(partial, { recursive: true, force: true });
  }
}

function isSystemError(cause: unknown): cause is NodeJS.ErrnoException {
  return cause instanceof Error && "syscall" in cause;
}

function unwritable(folder: string, cause: Error): DataError {
  return new DataError(`quickstart data cannot be written to ${folder}: ${cause.message}`, {
    hint: "set XDG_CACHE_HOME to a folder that can be written and has 100 MB free",
    cause,
  });
}

async function exists(folder: string): Promise<boolean> {
  return stat(folder).then(
    () => true,
    () => false,
  );
}
