/** Where the images of a tar shard lie: found once, kept in the cache, found again when the file has changed. */
import { labelsOf } from "./class-names.js";
import { explained } from "./data-path-error.js";
import { fileStamp } from "./file-stamp.js";
import { isImageName } from "./image-names.js";
import { indexPath, readIndexFile, writeIndexFile } from "./index-file.js";
import { type NameTable, nameTable } from "./name-table.js";
import { isLabelMember, SampleGatherer, type ShardSample } from "./shard-members.js";
import { readTar } from "./tar-members.js";

export interface ShardIndex {
  /** The images' names in the archive. */
  readonly names: NameTable;
  /** Where each begins in the file, and its length, in bytes. */
  readonly offsets: Float64Array;
  readonly sizes: Float64Array;
  readonly classes: readonly string[];
  /** For each image its index in `classes`; -1: unlabelled. */
  readonly labels: Int32Array;
  /** Links that are named like images; nothing lies in them. */
  readonly links: number;
  /** What is wrong with the end of the archive; null: nothing. */
  readonly defect: string | null;
}

export interface Indexing {
  /** Folder in which indexes are kept. */
  readonly cache: string;
  /** Shards of fewer images are read anew each time. */
  readonly indexFrom: number;
  /** Called with numbers of images that were found, since the last call. */
  readonly onImages: (images: number) => void;
}

/** Throws DataError where the file cannot be read. */
export async function shardIndex(
  file: string,
  { cache, indexFrom, onImages }: Indexing,
): Promise<ShardIndex> {
  return explained(file, "a tar shard", async () => {
    const stamp = await fileStamp(file);
    const place = indexPath(cache, `shard ${file}`);
    const kept = await readIndexFile(place);
    if (kept?.facts.stamp === stamp) return { ...kept.facts, ...joinedColumns(kept.columns) } as ShardIndex;
    const index = await builtIndex(file, onImages);
    const { names, offsets, sizes, labels, classes, links, defect } = index;
    const columns = { offsets, sizes, labels, bytes: names.bytes, ends: names.ends };
    if (sizes.length >= indexFrom) {
      await writeIndexFile(place, { facts: { stamp, classes, links, defect }, columns });
    }
    return index;
  });
}

function joinedColumns({ bytes, ends, ...rest }: Readonly<Record<string, unknown>>) {
  return { ...rest, names: { bytes, ends } };
}

/** Images between two reports. */
const REPORTED = 1000;

async function builtIndex(file: string, onImages: Indexing["onImages"]): Promise<ShardIndex> {
  const gatherer = new SampleGatherer();
  let [links, told] = [0, 0];
  const tell = (least: number) => {
    const found = gatherer.samples.length - told;
    if (found < least) return;
    told += found;
    onImages(found);
  };
  const defect = await readTar(file, {
    wanted: isLabelMember,
    onMember: (member) => {
      gatherer.add(member);
      tell(REPORTED);
    },
    onLink: (name) => {
      if (isImageName(name)) links++;
    },
  });
  gatherer.finish();
  tell(1);
  return { ...indexOf(gatherer.samples), links, defect };
}

function indexOf(samples: readonly ShardSample[]): Omit<ShardIndex, "defect" | "links"> {
  return {
    names: nameTable(samples.map(({ name }) => name)),
    offsets: Float64Array.from(samples, ({ offset }) => offset),
    sizes: Float64Array.from(samples, ({ size }) => size),
    ...labelsOf(samples.map(({ label }) => label)),
  };
}
