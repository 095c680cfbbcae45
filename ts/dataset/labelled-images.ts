/** Images by which features are judged. */
import { resolve } from "node:path";
import { type ImageSource, openImageSource } from "./image-source.js";
import type { OpenOptions } from "./opening.js";
import { whatLiesAt } from "./path-kind.js";

/** A folder is read as class folders, whatever lies in it; lists and shards have labels of their own. Throws DataError. */
export async function openLabelledImages(path: string, options: OpenOptions = {}): Promise<ImageSource> {
  const found = await whatLiesAt(resolve(path));
  return openImageSource(path, found === "folder" ? "class-folders" : found, options);
}
