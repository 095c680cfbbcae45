/** What tests of sources have in common: folders, archives, and all that a source says. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { ImageSource } from "../../ts/dataset/image-source.js";
import { temporaryFolder } from "../run/temporary-folder.js";

export type Files = Readonly<Record<string, string | Buffer>>;

/** A folder with these files; what lies in a file is its name, unless it is said. */
export function folderOf(...files: readonly (string | Files)[]): string {
  const root = temporaryFolder();
  for (const file of files) put(root, typeof file === "string" ? { [file]: file } : file);
  return root;
}

export function put(root: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), content);
  }
}

/** An archive made by the system's tar, its members in the order given. */
export function tarOf(file: string, members: Files, ...options: readonly string[]): string {
  const root = temporaryFolder();
  put(root, members);
  mkdirSync(dirname(file), { recursive: true });
  execFileSync("tar", [...options, "-cf", file, "-C", root, ...Object.keys(members)]);
  return file;
}

export function keysOf(source: ImageSource): string[] {
  return Array.from({ length: source.count }, (_, index) => source.key(index));
}

export function labelsOf(source: ImageSource): number[] {
  return Array.from({ length: source.count }, (_, index) => source.label(index));
}

/** What is read of each image, as text. */
export async function contentsOf(source: ImageSource): Promise<string[]> {
  const bytes = await Promise.all(Array.from({ length: source.count }, (_, index) => source.read(index)));
  return bytes.map((content) => content.toString());
}
