/** The images that a list names, with the labels that stand there. */
import { readFile, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { DataError } from "../errors.js";
import { labelAt, labelsOf } from "./class-names.js";
import { explained } from "./data-path-error.js";
import { epochOrder } from "./epoch-order.js";
import { fileStamp } from "./file-stamp.js";
import type { ImageSource } from "./image-source.js";
import { inParallel } from "./in-parallel.js";
import { indexPath, readIndexFile, writeIndexFile } from "./index-file.js";
import { readListRows } from "./list-rows.js";
import { type NameTable, nameAt, nameTable } from "./name-table.js";
import type { Opening } from "./opening.js";
import { readImageFile } from "./read-file.js";

interface ListIndex {
  readonly classes: readonly string[];
  readonly labels: Int32Array;
  /** As they are written. */
  readonly paths: NameTable;
}

/** Paths are relative to the list's folder. Throws DataError where no image is named, or none of those named exists. */
export async function openList(file: string, opening: Opening): Promise<ImageSource> {
  const list = await listIndex(file, opening);
  const source = listSource(file, list);
  await requireFiles(source, opening);
  return source;
}

function listSource(file: string, { classes, labels, paths }: ListIndex): ImageSource {
  const folder = dirname(file);
  const count = labels.length;
  const key = (index: number) => nameAt(paths, index);
  const name = (index: number) => resolve(folder, key(index));
  return {
    kind: "list",
    root: file,
    count,
    classes,
    arrangement: "",
    name,
    key,
    label: (index) => labelAt(labels, index),
    read: async (index) => readImageFile(name(index)),
    order: (seed, epoch) => epochOrder(count, seed, epoch),
  };
}

/** A long list is kept as an index, which is read ten times as fast. */
async function listIndex(file: string, opening: Opening): Promise<ListIndex> {
  const expected = "a list of images";
  const stamp = await explained(file, expected, () => fileStamp(file));
  const place = indexPath(opening.cache, `list ${file}`);
  const kept = await readIndexFile(place);
  if (kept?.facts.stamp === stamp) {
    const { labels, paths, ends } = kept.columns as unknown as ListColumns;
    return { classes: kept.facts.classes as string[], labels, paths: { bytes: paths, ends } };
  }
  const list = parsedList(await explained(file, expected, () => readFile(file)), file);
  const { classes, labels, paths } = list;
  if (labels.length >= opening.indexFrom) {
    const columns: ListColumns = { labels, paths: paths.bytes, ends: paths.ends };
    await writeIndexFile(place, { facts: { stamp, classes }, columns: { ...columns } });
  }
  return list;
}

interface ListColumns {
  readonly labels: Int32Array;
  readonly paths: Uint8Array;
  readonly ends: Uint32Array;
}

function parsedList(text: Buffer, file: string): ListIndex {
  const [paths, labels]: [string[], string[]] = [[], []];
  readListRows(text, file, ({ path, label }) => {
    paths.push(path);
    labels.push(label);
  });
  if (paths.length > 0) return { ...labelsOf(labels), paths: nameTable(paths) };
  throw new DataError(`data list ${file}: expected paths of images, one a line, found none`, {
    hint: "write one path a line, or a table with the columns path and label; paths are relative to the list",
  });
}

/** To look for each of a million files would take minutes: so many of them, spread over the list, tell. */
const LOOKED_AT = 1000;

async function requireFiles(source: ImageSource, { onRemark }: Opening): Promise<void> {
  const looked = Math.min(LOOKED_AT, source.count);
  const samples = Array.from({ length: looked }, (_, at) => Math.floor((at * source.count) / looked));
  const there = await inParallel(samples, (sample) => exists(source.name(sample)));
  const missing = samples.filter((_, at) => !there[at]);
  if (missing.length === 0) return;
  const first = source.name(missing[0] as number);
  const found = `${missing.length} of ${looked} files of it that were looked for do not exist, the first is ${first}`;
  if (missing.length < looked) return onRemark(`data list ${source.root}: ${found}; such files are skipped`);
  throw new DataError(`data list ${source.root}: expected paths of images: ${found}`, {
    hint: `paths in a list are relative to its folder, ${dirname(source.root)}`,
  });
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
