/** Images as a numbered row, whatever they lie in: folders, a list of files, tar shards, or a mixture of these. */
import { resolve } from "node:path";
import type { PathKind, SourceKind } from "../config/data-kinds.js";
import { openFolder } from "./folder-source.js";
import { openList } from "./list-source.js";
import { type OpenOptions, opening } from "./opening.js";
import { whatLiesAt } from "./path-kind.js";
import { openShards } from "./shard-source.js";

export type { PathKind, SourceKind } from "../config/data-kinds.js";
export type { IndexProgress, OpenOptions } from "./opening.js";

export interface ImageSource {
  /** What the source was read as: for "auto", what was decided. */
  readonly kind: SourceKind;
  /** What the user named: the absolute path of a folder, a list or a set of shards; for a mixture a text that names its parts. */
  readonly root: string;
  /** Number of images, and of the samples of an epoch. */
  readonly count: number;
  /** Class names, sorted; empty: unlabelled. */
  readonly classes: readonly string[];
  /** What decides the order of an epoch beside names, seed and epoch, as a text; empty: nothing. */
  readonly arrangement: string;
  /** Of an image, `index` in [0, count), for messages: an absolute path, or that of a shard and the name in it. */
  name(index: number): string;
  /** Name below the root: the same wherever the data lie. */
  key(index: number): string;
  /** Class of an image as an index into `classes`; -1: unlabelled. */
  label(index: number): number;
  /** The bytes of an image's file. Throws UnreadableFile. */
  read(index: number): Promise<Buffer>;
  /**
   * The samples of an epoch in order, `count` of them: a function of (seed, epoch) alone. Each image once; in a mixture as
   * often as its weights say.
   */
  order(seed: number, epoch: number): Uint32Array;
}

/**
 * Opens what lies at a path. "class-folders": each sub-folder that holds images, at any depth, is a class
 * (spec/evaluation.md section 0.7). "flat-folder": every image below it, unlabelled. "list": a text or table of paths, with
 * labels. "shards": WebDataset tar files; a file, a folder of them or a pattern. "auto": what is found; of a folder class
 * folders where no image lies directly in it and at least two sub-folders hold images. Throws DataError where it is missing,
 * unreadable or without images.
 */
export async function openImageSource(
  path: string,
  kind: "auto" | PathKind,
  options: OpenOptions = {},
): Promise<ImageSource> {
  const root = resolve(path);
  const found = kind === "auto" ? await whatLiesAt(root) : kind;
  const settled = opening(options);
  switch (found) {
    case "list":
      return openList(root, settled);
    case "shards":
      return openShards(root, settled);
    default:
      return openFolder(root, found === "folder" ? "auto" : found, settled);
  }
}
