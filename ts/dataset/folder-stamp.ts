/**
 * The state of a folder, by which an index of it is known to be out of date: it changes whenever a name in the folder is
 * added, removed or given to another file. What lies in the files is not part of it, nor are links elsewhere on the way to
 * the folder of a link.
 */
import { stat } from "node:fs/promises";

/** Times in nanoseconds. */
export interface FolderStamp {
  /** Of its names; archivers set it back. */
  readonly modified: bigint;
  /** Of everything about it; nobody can set it. */
  readonly changed: bigint;
  /** Number on its file system. */
  readonly inode: bigint;
}

/** Throws the system's errors. */
export async function stampOf(folder: string): Promise<FolderStamp> {
  const { mtimeNs, ctimeNs, ino } = await stat(folder, { bigint: true });
  return { modified: mtimeNs, changed: ctimeNs, inode: ino };
}

/** Numbers in one array, three for each folder. */
export function packedStamps(stamps: readonly FolderStamp[]): BigInt64Array {
  const signed = (value: bigint) => BigInt.asIntN(64, value);
  return BigInt64Array.from(
    stamps.flatMap(({ modified, changed, inode }) => [modified, changed, signed(inode)]),
  );
}

export function isStamp(
  { modified, changed, inode }: FolderStamp,
  packed: BigInt64Array,
  index: number,
): boolean {
  const at = 3 * index;
  return packed[at] === modified && packed[at + 1] === changed && packed[at + 2] === BigInt.asIntN(64, inode);
}

/** How coarse the clocks of file systems are: 2 s on FAT. */
const COARSEST = 2_000_000_000n;

/** Whether a change made right after `now` could leave the stamp as it is. `now`: milliseconds since 1970. */
export function isFresh({ modified, changed }: FolderStamp, now: number): boolean {
  const limit = BigInt(now) * 1_000_000n - COARSEST;
  return modified > limit || changed > limit;
}
