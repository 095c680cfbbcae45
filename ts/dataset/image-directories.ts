/** Finds the image files below a folder: links followed, each real folder entered once, everything in a fixed order. */
import type { Dirent } from "node:fs";
import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { explained } from "./data-path-error.js";
import { type FolderStamp, stampOf } from "./folder-stamp.js";
import { compareNames, isHiddenName, isImageName } from "./image-names.js";
import { inParallel } from "./in-parallel.js";
import { type NameTable, nameTable } from "./name-table.js";

/** What one folder holds: names, sorted. */
export interface Listing {
  readonly images: readonly string[];
  readonly folders: readonly string[];
}

/** Where a walk begins. */
export interface WalkStart {
  /** Relative to the root; empty: the root itself. */
  readonly path: string;
  /** A folder is entered once in each group: the same folder may be linked into two classes. */
  readonly group: number;
}

/** A folder that was entered, with the images that lie directly in it. */
export interface WalkedFolder extends WalkStart {
  readonly names: NameTable;
  /** Its state before it was listed. */
  readonly stamp: FolderStamp;
}

/** Called with each folder that was listed. */
export type OnFolder = (folder: WalkedFolder) => void;

/**
 * All folders below the starts, themselves included, sorted by group, then by path as torchvision's ImageFolder does.
 * They are walked level by level: of several links to one folder, that nearest to the root is taken. A link to the root is
 * followed nowhere.
 */
export async function walkFolders(
  root: string,
  starts: readonly WalkStart[],
  onFolder: OnFolder,
): Promise<readonly WalkedFolder[]> {
  const realRoot = await realFolder(root);
  const entered = new Set(starts.map(({ path, group }) => (path === "" ? "" : `${group} ${realRoot}`)));
  const found: WalkedFolder[] = [];
  for (let level = starts; level.length > 0; ) {
    const fresh = await notEntered(root, level, entered);
    const below = await inParallel(fresh, async (start) => {
      const { folder, folders } = await listedFolder(root, start);
      found.push(folder);
      onFolder(folder);
      return folders;
    });
    level = below.flat();
  }
  return found.sort((a, b) => a.group - b.group || compareNames(a.path, b.path));
}

async function notEntered(
  root: string,
  level: readonly WalkStart[],
  entered: Set<string>,
): Promise<readonly WalkStart[]> {
  const real = await inParallel(level, ({ path }) => realFolder(join(root, path)));
  return level.filter(({ group }, index) => {
    const name = `${group} ${real[index]}`;
    if (entered.has(name)) return false;
    entered.add(name);
    return true;
  });
}

async function listedFolder(root: string, { path, group }: WalkStart) {
  const folder = join(root, path);
  const stamp = await explained(folder, FOLDER, () => stampOf(folder));
  const { images, folders } = await listFolder(folder);
  return {
    folder: { path, group, stamp, names: nameTable(images) },
    folders: folders.map((name) => ({ path: join(path, name), group })),
  };
}

const FOLDER = "a folder of images";

/** The images and sub-folders directly in `folder`. Throws DataError where it cannot be read. */
export async function listFolder(folder: string): Promise<Listing> {
  const entries = await explained(folder, FOLDER, () => readdir(folder, { withFileTypes: true }));
  const images: string[] = [];
  const folders: string[] = [];
  for (const entry of entries) {
    if (isHiddenName(entry.name)) continue;
    if (isImage(entry)) images.push(entry.name);
    else if (await isFolder(folder, entry)) folders.push(entry.name);
  }
  return { images: images.sort(compareNames), folders: folders.sort(compareNames) };
}

/** A link named like an image is taken for a file: a stat for each of a million links would take minutes. */
function isImage(entry: Dirent): boolean {
  return (entry.isFile() || entry.isSymbolicLink()) && isImageName(entry.name);
}

async function isFolder(folder: string, entry: Dirent): Promise<boolean> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  const target = await stat(join(folder, entry.name)).catch(() => null);
  return target?.isDirectory() ?? false;
}

/** The folder behind all links. */
export function realFolder(folder: string): Promise<string> {
  return explained(folder, FOLDER, () => realpath(folder));
}
