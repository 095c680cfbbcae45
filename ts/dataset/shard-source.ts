/** The images in WebDataset tar shards, read where they lie. */
import { open } from "node:fs/promises";
import { dirname, relative } from "node:path";
import { DataError } from "../errors.js";
import { type Labels, labelAt, sortedClasses } from "./class-names.js";
import type { ImageSource } from "./image-source.js";
import { inParallel } from "./in-parallel.js";
import { nameAt } from "./name-table.js";
import type { Opening } from "./opening.js";
import { endsOf, partOf, startOf } from "./parts.js";
import { checkLength, UnreadableFile, unreadable } from "./read-file.js";
import { type ShardIndex, shardIndex } from "./shard-index.js";
import { requireShards, shardPaths } from "./shard-paths.js";
import { shuffledShards } from "./shuffle-buffer.js";

interface Shard extends ShardIndex {
  readonly file: string;
}

/** `path`: a tar file, a folder of them, or a pattern. Throws DataError where a shard is missing or no image is found. */
export async function openShards(path: string, opening: Opening): Promise<ImageSource> {
  const files = await shardPaths(path);
  await requireShards(files, path);
  const shards = await indexedShards(path, files, opening);
  remark(shards, opening);
  if (shards.some(({ names }) => names.ends.length > 0))
    return shardSource(path, shards, opening.shuffleBuffer);
  throw new DataError(`data shards ${path}: expected images in ${files.length} tar files, found none`, {
    hint: "members are recognised by their endings, jpg for example; compressed archives must be unpacked to .tar first",
  });
}

function remark(shards: readonly Shard[], { onRemark }: Opening): void {
  for (const { file, defect, links, names } of shards) {
    if (defect !== null)
      onRemark(`data shard ${file}: ${defect}; ${names.ends.length} whole images are used`);
    if (links > 0)
      onRemark(
        `data shard ${file}: ${links} images in it are links and are left out: pack with tar -h --hard-dereference`,
      );
  }
}

async function indexedShards(
  path: string,
  files: readonly string[],
  { cache, indexFrom, onProgress }: Opening,
): Promise<readonly Shard[]> {
  let [images, done] = [0, 0];
  const report = () => onProgress({ path, images, done, total: files.length });
  const onImages = (found: number) => {
    images += found;
    report();
  };
  return inParallel(files, async (file) => {
    const index = await shardIndex(file, { cache, indexFrom: indexFrom / 100, onImages });
    done++;
    report();
    return { file, ...index };
  });
}

function shardSource(path: string, shards: readonly Shard[], buffer: number): ImageSource {
  const ends = endsOf(shards.map(({ names }) => names.ends.length));
  const { classes, labels } = joinedLabels(shards);
  const folder = commonFolder(shards.map(({ file }) => file));
  const member = (index: number) => {
    const number = partOf(ends, index);
    return { shard: shards[number] as Shard, at: index - startOf(ends, number) };
  };
  const name = (index: number) => {
    const { shard, at } = member(index);
    return `${shard.file}/${nameAt(shard.names, at)}`;
  };
  return {
    kind: "shards",
    root: path,
    count: labels.length,
    classes,
    arrangement: `shuffle buffer of ${buffer}`,
    name,
    key: (index) => relative(folder, name(index)),
    label: (index) => labelAt(labels, index),
    read: async (index) => {
      const { shard, at } = member(index);
      return readMember(shard.file, shard.offsets[at] as number, shard.sizes[at] as number);
    },
    order: (seed, epoch) => shuffledShards({ ends, buffer, seed, epoch }),
  };
}

async function readMember(file: string, offset: number, size: number): Promise<Buffer> {
  try {
    checkLength(size);
    const handle = await open(file);
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(size), 0, size, offset);
      if (bytesRead === size) return buffer;
      throw new UnreadableFile("the shard is shorter than it was when it was indexed");
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw unreadable(cause);
  }
}

/** Shards of one set may each hold a part of the classes. */
function joinedLabels(shards: readonly Shard[]): Labels {
  const classes = sortedClasses(shards.flatMap((shard) => shard.classes));
  const numbers = new Map(classes.map((name, number) => [name, number]));
  const labels = shards.flatMap((shard) =>
    Array.from(shard.labels, (label) => numbers.get(shard.classes[label] ?? "") ?? -1),
  );
  return { classes, labels: Int32Array.from(labels) };
}

function commonFolder(files: readonly string[]): string {
  let folder = dirname(files[0] as string);
  while (!files.every((file) => file.startsWith(`${folder}/`)) && folder !== "/") folder = dirname(folder);
  return folder;
}
