/** The images that are named, in files or folders, each with a name of its own for what is drawn of it. */
import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join, parse, resolve } from "node:path";
import { listFolder, realFolder } from "../../dataset/image-directories.js";
import { DataError } from "../../errors.js";

export interface ImageFile {
  /** Absolute path. */
  readonly file: string;
  /** Path inside the named folder without extension, with `/`; no other image has it. */
  readonly name: string;
}

/**
 * Files in the order in which they are named; those of a folder, and of the folders below it, in the order of their
 * numbers (frame-2 before frame-10). Throws DataError where something is missing or there is no image.
 */
export async function imageFiles(paths: readonly string[]): Promise<readonly ImageFile[]> {
  const found: ImageFile[] = [];
  const taken = new Set<string>();
  for (const path of paths) {
    for (const { file, name } of await filesOf(path)) found.push({ file, name: untaken(name, taken) });
  }
  if (found.length > 0) return found;
  throw new DataError(`images: expected at least one image, received ${paths.join(", ") || "nothing"}`, {
    hint: "name image files, or folders that hold some (.jpg, .png, .webp, .tif, .bmp, .ppm)",
  });
}

async function filesOf(path: string): Promise<readonly ImageFile[]> {
  const file = resolve(path);
  if (!existsSync(file)) {
    throw new DataError(`image ${path}: expected an image or a folder, but it does not exist`, {
      hint: "check the path; it is taken relative to the folder in which the command runs",
    });
  }
  if ((await stat(file)).isDirectory()) return folderFiles(file, "", new Set());
  return [{ file, name: parse(file).name }];
}

const byNumber = new Intl.Collator("en", { numeric: true });

/** `entered`: real paths of the folders that are not to be entered again. */
async function folderFiles(root: string, inside: string, entered: Set<string>): Promise<ImageFile[]> {
  const folder = join(root, inside);
  const real = await realFolder(folder);
  if (entered.has(real)) return [];
  entered.add(real);
  const { images, folders } = await listFolder(folder);
  const files = images.toSorted(byNumber.compare).map((image) => ({
    file: join(folder, image),
    name: join(inside, parse(image).name),
  }));
  for (const below of folders.toSorted(byNumber.compare)) {
    files.push(...(await folderFiles(root, join(inside, below), entered)));
  }
  return files;
}

/** cat, cat-2, cat-3: two folders, or cat.jpg and cat.png, may hold the same name. */
function untaken(name: string, taken: Set<string>): string {
  let free = name;
  for (let copy = 2; taken.has(free); copy++) free = `${name}-${copy}`;
  taken.add(free);
  return free;
}
