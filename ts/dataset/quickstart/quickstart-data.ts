/** The embedded data set, rendered on first use into the cache folder; nothing is downloaded. */
import { randomUUID } from "node:crypto";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DataError } from "../../errors.js";
import { cacheFolder, PARTIAL, removeAbandoned } from "../cache-folder.js";
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
  return join(cacheFolder(env), `quickstart-v${VERSION}`);
}

async function renderInto(folder: string, { onProgress }: QuickstartOptions): Promise<void> {
  const partial = `${folder}.${randomUUID()}${PARTIAL}`;
  try {
    await mkdir(dirname(folder), { recursive: true });
    await removeAbandoned(dirname(folder), `${basename(folder)}.`);
    await renderQuickstart(partial, (done) => onProgress?.(done, QUICKSTART_IMAGES));
    await rename(partial, folder);
  } catch (cause) {
    if (!(await exists(folder))) throw isSystemError(cause) ? unwritable(folder, cause) : cause;
  } finally {
    await rm(partial, { recursive: true, force: true }).catch(() => {});
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
