/** The images below a folder, with labels where its sub-folders are classes. */
import { epochOrder } from "./epoch-order.js";
import { type FolderIndex, type FolderKind, folderIndex } from "./folder-index.js";
import type { ImageSource } from "./image-source.js";
import { nameAt } from "./name-table.js";
import type { Opening } from "./opening.js";
import { partOf } from "./parts.js";
import { readImageFile } from "./read-file.js";

export async function openFolder(
  root: string,
  kind: "auto" | FolderKind,
  opening: Opening,
): Promise<ImageSource> {
  return folderSource(root, await folderIndex(root, kind, opening));
}

function folderSource(
  root: string,
  { kind, classes, folders, ends, labels, names }: FolderIndex,
): ImageSource {
  const count = names.ends.length;
  const key = (index: number) => {
    const name = nameAt(names, index);
    const folder = folders[partOf(ends, index)];
    return folder === "" ? name : `${folder}/${name}`;
  };
  const name = (index: number) => `${root}/${key(index)}`;
  return {
    kind,
    root,
    count,
    classes,
    arrangement: "",
    name,
    key,
    label: (index) => labels[partOf(ends, index)] ?? -1,
    read: async (index) => readImageFile(name(index)),
    order: (seed, epoch) => epochOrder(count, seed, epoch),
  };
}
