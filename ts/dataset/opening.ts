/** How a source is opened, and what is told while names are read. */
import { cacheFolder } from "./cache-folder.js";

/** How far the reading of names has come. */
export interface IndexProgress {
  /** What is read: a folder or a set of shards. */
  readonly path: string;
  /** Images found so far. */
  readonly images: number;
  /** Parts that were read, of those known so far: folders or shards. */
  readonly done: number;
  readonly total: number;
}

export interface OpenOptions {
  /** Folder in which indexes are kept. Default: `$XDG_CACHE_HOME/udi-native`. */
  readonly cache?: string;
  /** What has fewer images (a shard: a hundredth of it) is read anew each time, without an index. Default: 10 000. */
  readonly indexFrom?: number;
  /** Images in the shuffle buffer of shards, as the key data.shuffleBuffer. Default: 10 000. */
  readonly shuffleBuffer?: number;
  /** Called while names are read; for a folder never where an index holds them already. */
  readonly onProgress?: (progress: IndexProgress) => void;
  /** Something that a reader should know, in one line. */
  readonly onRemark?: (line: string) => void;
}

export type Opening = Required<OpenOptions>;

export function opening(options: OpenOptions): Opening {
  return {
    cache: cacheFolder(),
    indexFrom: 10_000,
    shuffleBuffer: 10_000,
    onProgress: () => {},
    onRemark: () => {},
    ...options,
  };
}
