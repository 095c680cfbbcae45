/** The names of a folder's images: read from the folder once, kept in the cache, read again when the folder has changed. */
import { join } from "node:path";
import { DataError } from "../errors.js";
import { isFresh, isStamp, packedStamps, stampOf } from "./folder-stamp.js";
import {
  type Listing,
  listFolder,
  realFolder,
  type WalkedFolder,
  type WalkStart,
  walkFolders,
} from "./image-directories.js";
import { IMAGE_ENDINGS } from "./image-names.js";
import { inParallel } from "./in-parallel.js";
import { type IndexContent, indexPath, readIndexFile, writeIndexFile } from "./index-file.js";
import { joinedTables, type NameTable, nameTable } from "./name-table.js";
import type { Opening } from "./opening.js";

export type FolderKind = "class-folders" | "flat-folder";

/** A million images are a piece of memory with their names and a million 4-byte numbers. */
export interface FolderIndex {
  readonly kind: FolderKind;
  /** Class names, sorted; empty for a flat folder. */
  readonly classes: readonly string[];
  /** Folders, relative to the root, in the order of their images; also those without any. */
  readonly folders: readonly string[];
  /** For each folder the number of images up to its last. */
  readonly ends: Uint32Array;
  /** For each folder its class, -1: none. */
  readonly labels: Int32Array;
  /** File names of all images. */
  readonly names: NameTable;
}

interface Indexed {
  readonly index: FolderIndex;
  /** Three numbers for each folder. */
  readonly stamps: BigInt64Array;
  /** Whether the folder was left alone long enough for its stamps to tell of every later change. */
  readonly settled: boolean;
}

/** From the cache, or from the folder. Throws DataError where it is missing, unreadable or without images. */
export async function folderIndex(
  root: string,
  kind: "auto" | FolderKind,
  opening: Opening,
): Promise<FolderIndex> {
  const real = await realFolder(root);
  const file = indexPath(opening.cache, `${kind} ${real}`);
  const kept = await keptIndex(file, real);
  if (kept !== null) return kept;
  const indexed = await builtIndex(root, kind, opening);
  if (indexed.settled && indexed.index.names.ends.length >= opening.indexFrom) {
    await writeIndexFile(file, contentOf(real, indexed));
  }
  return indexed.index;
}

/** Null where there is none, or none of the folder as it is now. */
async function keptIndex(file: string, real: string): Promise<FolderIndex | null> {
  const content = await readIndexFile(file);
  if (content === null || content.facts.root !== real) return null;
  const { index, stamps } = indexedOf(content);
  const same = await inParallel(index.folders, async (folder, at) => {
    const stamp = await stampOf(join(real, folder)).catch(() => null);
    return stamp !== null && isStamp(stamp, stamps, at);
  });
  return same.every(Boolean) ? index : null;
}

function contentOf(root: string, { index, stamps }: Indexed): IndexContent {
  const { kind, classes, folders, ends, labels, names } = index;
  return {
    facts: { root, kind, classes, folders },
    columns: { stamps, ends, labels, names: names.bytes, nameEnds: names.ends },
  };
}

function indexedOf({ facts, columns }: IndexContent): Pick<Indexed, "index" | "stamps"> {
  const { kind, classes, folders } = facts as Pick<FolderIndex, "kind" | "classes" | "folders">;
  const { ends, labels, names, nameEnds, stamps } = columns as {
    readonly ends: Uint32Array;
    readonly labels: Int32Array;
    readonly names: Uint8Array;
    readonly nameEnds: Uint32Array;
    readonly stamps: BigInt64Array;
  };
  return { index: { kind, classes, folders, ends, labels, names: { bytes: names, ends: nameEnds } }, stamps };
}

async function builtIndex(root: string, kind: "auto" | FolderKind, opening: Opening): Promise<Indexed> {
  const now = Date.now();
  const own = { path: "", group: -1, names: nameTable([]), stamp: await stampOf(root) };
  const listing = await listFolder(root);
  if (kind === "auto") refuseSplits(root, listing);
  const { classes, walked } = await walkedAs(root, kind, listing, opening);
  const folders = classes === null ? walked : [own, ...walked];
  const index = indexOf(folders, classes);
  if (index.names.ends.length === 0) throw withoutImages(root, index.kind);
  const stamps = folders.map(({ stamp }) => stamp);
  return { index, stamps: packedStamps(stamps), settled: !stamps.some((stamp) => isFresh(stamp, now)) };
}

interface Walked {
  /** The sub-folders, each a group of `walked`; null: a flat folder, all of one group. */
  readonly classes: readonly string[] | null;
  readonly walked: readonly WalkedFolder[];
}

/** "auto": class folders where no image lies directly in the root and at least two sub-folders hold images. */
async function walkedAs(
  root: string,
  kind: "auto" | FolderKind,
  { images, folders }: Listing,
  opening: Opening,
): Promise<Walked> {
  const onFolder = progress(root, folders.length, opening);
  const flat = async () => ({ classes: null, walked: await walkFolders(root, [ROOT], onFolder) });
  if (kind === "flat-folder" || (kind === "auto" && images.length > 0)) return flat();
  const starts = folders.map((path, group) => ({ path, group }));
  const walked = await walkFolders(root, starts, onFolder);
  return kind === "auto" && groupsWithImages(walked).length < 2 ? flat() : { classes: folders, walked };
}

const ROOT: WalkStart = { path: "", group: 0 };

function progress(path: string, expected: number, { onProgress }: Opening): (folder: WalkedFolder) => void {
  let [images, done] = [0, 0];
  return ({ names }) => {
    images += names.ends.length;
    onProgress({ path, images, done: ++done, total: Math.max(done, expected) });
  };
}

function groupsWithImages(walked: readonly WalkedFolder[]): readonly number[] {
  return [...new Set(walked.filter(({ names }) => names.ends.length > 0).map(({ group }) => group))];
}

/** Sub-folders without images are no classes. */
function indexOf(walked: readonly WalkedFolder[], classes: Walked["classes"]): FolderIndex {
  const groups = classes === null ? [] : groupsWithImages(walked);
  const labelOf = new Map(groups.map((group, label) => [group, label]));
  let images = 0;
  return {
    kind: classes === null ? "flat-folder" : "class-folders",
    classes: groups.map((group) => classes?.[group] ?? ""),
    folders: walked.map(({ path }) => path),
    ends: Uint32Array.from(walked, ({ names }) => (images += names.ends.length)),
    labels: Int32Array.from(walked, ({ group }) => labelOf.get(group) ?? -1),
    names: joinedTables(walked.map(({ names }) => names)),
  };
}

/** A folder with `train` and `val` would be read as two classes, and trained on both. */
function refuseSplits(root: string, { folders }: Listing): void {
  const rest = folders.find((name) => /^(val|valid|validation|test|held-?out)$/i.test(name));
  const train = folders.find((name) => /^train(ing)?$/i.test(name));
  if (train === undefined || rest === undefined) return;
  throw new DataError(
    `data folder ${root}: expected one part of a data set, received "${train}" and "${rest}"`,
    {
      hint: `train on ${join(root, train)}, or say how to read it: kind "flat-folder" takes everything below it`,
    },
  );
}

function withoutImages(root: string, kind: FolderKind): DataError {
  const where = kind === "class-folders" ? "in its sub-folders" : "in it or below it";
  const flat = kind === "class-folders" ? '; kind "flat-folder" takes images that lie directly in it' : "";
  return new DataError(`data folder ${root}: expected images ${where}, found none`, {
    hint: `files are recognised by their endings: ${IMAGE_ENDINGS}${flat}`,
  });
}
