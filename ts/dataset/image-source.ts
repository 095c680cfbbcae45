/** A folder of images as a numbered list of files, with labels where its sub-folders are classes. */
import { join, resolve } from "node:path";
import { DataError } from "../errors.js";
import {
  type ImageDirectory,
  imageDirectories,
  type Listing,
  listFolder,
  realFolder,
} from "./image-directories.js";

export type SourceKind = "class-folders" | "flat-folder";

export interface ImageSource {
  /** How the folder was read: for "auto", what was decided. */
  readonly kind: SourceKind;
  /** Absolute path of the folder. */
  readonly root: string;
  /** Number of images. */
  readonly count: number;
  /** Class names, sorted; empty: unlabelled. */
  readonly classes: readonly string[];
  /** Absolute path of an image, `index` in [0, count). */
  file(index: number): string;
  /** Class of an image as an index into `classes`; -1: unlabelled. */
  label(index: number): number;
}

/**
 * Opens a folder. "class-folders": each sub-folder that holds images, at any depth, is a class (spec/evaluation.md
 * section 0.7). "flat-folder": every image below it, unlabelled. "auto": class folders where no image lies directly in
 * it and at least two sub-folders hold images. Throws DataError where it is missing, unreadable or without images.
 */
export async function openImageSource(path: string, kind: "auto" | SourceKind): Promise<ImageSource> {
  const root = resolve(path);
  const listing = await listFolder(root);
  if (kind === "flat-folder") return openFlat(root);
  if (kind === "class-folders") return source(root, kind, await classFolders(root, listing));
  if (listing.images.length > 0) return openFlat(root);
  refuseSplits(root, listing);
  const classes = await classFolders(root, listing);
  return classes.length > 1 ? source(root, "class-folders", classes) : openFlat(root);
}

async function openFlat(root: string): Promise<ImageSource> {
  return source(root, "flat-folder", [
    { name: "", directories: await imageDirectories(root, "", new Set()) },
  ]);
}

/** Images that belong together: a class, or all of a flat folder. */
interface Group {
  readonly name: string;
  readonly directories: readonly ImageDirectory[];
}

/** Each class remembers for itself which folders it entered: the same folder may be linked into two classes. */
async function classFolders(root: string, { folders }: Listing): Promise<readonly Group[]> {
  const groups: Group[] = [];
  const realRoot = await realFolder(root);
  for (const name of folders) {
    const directories = await imageDirectories(root, name, new Set([realRoot]));
    if (directories.length > 0) groups.push({ name, directories });
  }
  return groups;
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

/**
 * A million images are a million names and a million 4-byte numbers: no object is kept for each. `starts[d]` is the
 * index of the first image of directory d.
 */
function source(root: string, kind: SourceKind, groups: readonly Group[]): ImageSource {
  const directories = groups.flatMap((group) => group.directories);
  const names = directories.flatMap((directory) => directory.names);
  if (names.length === 0) throw withoutImages(root, kind);
  const directoryOf = repeated(directories.map((directory) => directory.names.length));
  const groupOf = repeated(groups.map((group) => group.directories.length));
  const labelled = kind === "class-folders";
  return {
    kind,
    root,
    count: names.length,
    classes: labelled ? groups.map(({ name }) => name) : [],
    file: (index) => join(root, directories[at(directoryOf, index)]?.path ?? "", names[index] ?? ""),
    label: (index) => (labelled ? at(groupOf, at(directoryOf, index)) : -1),
  };
}

/** [2, 3] becomes 0 0 1 1 1. */
function repeated(lengths: readonly number[]): Uint32Array {
  const owners = new Uint32Array(lengths.reduce((sum, length) => sum + length, 0));
  let start = 0;
  for (const [owner, length] of lengths.entries()) {
    owners.fill(owner, start, start + length);
    start += length;
  }
  return owners;
}

function at(numbers: Uint32Array, index: number): number {
  const value = numbers[index];
  if (value === undefined)
    throw new RangeError(`image index: expected 0 to ${numbers.length - 1}, received ${index}`);
  return value;
}

function withoutImages(root: string, kind: SourceKind): DataError {
  const where = kind === "class-folders" ? "in its sub-folders" : "in it or below it";
  const flat = kind === "class-folders" ? '; kind "flat-folder" takes images that lie directly in it' : "";
  return new DataError(`data folder ${root}: expected images ${where}, found none`, {
    hint: `files are recognised by their endings: jpg jpeg png ppm bmp pgm tif tiff webp${flat}`,
  });
}
