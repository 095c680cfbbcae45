/** Finds the image files below a folder: links followed, each real folder entered once, everything in a fixed order. */
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { DataError } from "../errors.js";

/** The images that lie directly in one folder. */
export interface ImageDirectory {
  /** Relative to the root of the source; empty: the root itself. */
  readonly path: string;
  /** File names, sorted. */
  readonly names: readonly string[];
}

/** What one folder holds: names, sorted. */
export interface Listing {
  readonly images: readonly string[];
  readonly folders: readonly string[];
}

/** As spec/evaluation.md section 0.7. */
const IMAGE_NAME = /\.(jpe?g|png|ppm|bmp|pgm|tiff?|webp)$/i;

/** Names left behind by file managers and archives. */
function isHidden(name: string): boolean {
  return name.startsWith(".") || name === "__MACOSX";
}

/**
 * All folders below `start` (relative to `root`, itself included) that hold images, sorted by path as torchvision's
 * ImageFolder does. `entered` holds the real paths of folders that are not to be entered again, and grows.
 */
export async function imageDirectories(
  root: string,
  start: string,
  entered: Set<string>,
): Promise<readonly ImageDirectory[]> {
  const found: ImageDirectory[] = [];
  const waiting = [start];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (!(await enter(join(root, path), entered))) continue;
    const { images, folders } = await listFolder(join(root, path));
    if (images.length > 0) found.push({ path, names: images });
    for (const name of folders.toReversed()) waiting.push(join(path, name));
  }
  return found.sort((a, b) => compare(a.path, b.path));
}

/** The images and sub-folders directly in `folder`. Throws DataError where it cannot be read. */
export async function listFolder(folder: string): Promise<Listing> {
  const entries = await explained(folder, () => readdir(folder, { withFileTypes: true }));
  const images: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    if (isHidden(entry.name)) continue;
    if (isImage(entry)) images.push(entry.name);
    else if (await isFolder(folder, entry)) folders.push(entry.name);
  }
  return { images: images.sort(compare), folders: folders.sort(compare) };
}

/** A link named like an image is taken for a file: a stat for each of a million links would take minutes. */
function isImage(entry: Dirent): boolean {
  return (entry.isFile() || entry.isSymbolicLink()) && IMAGE_NAME.test(entry.name);
}

async function isFolder(folder: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  const target = await stat(join(folder, entry.name)).catch(() => null);
  return target?.isDirectory() ?? false;
}

/** Remembers a folder; false where it was entered before, by another link or from inside itself. */
async function enter(folder: string, entered: Set<string>): Promise<boolean> {
  const real = await realFolder(folder);
  if (entered.has(real)) return false;
  entered.add(real);
  return true;
}

/** The folder behind all links. */
export function realFolder(folder: string): Promise<string> {
  return explained(folder, () => realpath(folder));
}

/** By code units: the same order on every machine. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Turns the system's errors for this folder into a DataError. */
async function explained<T>(folder: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (cause) {
    throw new DataError(`data folder ${folder}: ${reason(cause)}`, { hint: hint(cause, folder), cause });
  }
}

function reason(cause: unknown): string {
  switch (errorCode(cause)) {
    case "ENOENT":
      return "expected a folder of images, but it does not exist";
    case "ENOTDIR":
      return "expected a folder of images, received a file";
    case "EACCES":
    case "EPERM":
      return "cannot be read: permission denied";
    default:
      return `cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`;
  }
}

function hint(cause: unknown, folder: string): string {
  switch (errorCode(cause)) {
    case "ENOENT":
      return "check the path; it is taken relative to the folder in which the command runs";
    case "ENOTDIR":
      return "give the folder in which the file lies; archives must be unpacked first";
    default:
      return `let this user read it and all below: chmod -R u+rX '${folder}'`;
  }
}

function errorCode(cause: unknown): unknown {
  return cause instanceof Error && "code" in cause ? cause.code : undefined;
}
