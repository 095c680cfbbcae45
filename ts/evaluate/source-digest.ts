/** What tells one state of a source's images from another, without reading them: names, lengths, times of change. */
import { createHash } from "node:crypto";
import type { Stats } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { ImageSource } from "../dataset/image-source.js";

/** Files looked at side by side. */
const AT_ONCE = 64;

/** SHA-256, hexadecimal. */
export async function sourceDigest(source: ImageSource): Promise<string> {
  const hash = createHash("sha256");
  for (let start = 0; start < source.count; start += AT_ONCE) {
    const count = Math.min(AT_ONCE, source.count - start);
    const lines = Array.from({ length: count }, (_, at) => fileLine(source, start + at));
    for (const line of await Promise.all(lines)) hash.update(line);
  }
  return hash.digest("hex");
}

/** A file that is gone is skipped later; that too is a state of its own. */
async function fileLine(source: ImageSource, index: number): Promise<string> {
  const found = await fileOf(source.name(index));
  return `${source.key(index)}\0${found?.size}\0${found?.mtimeMs}\n`;
}

/** Of what lies in a shard, that of the shard. Null: it is gone. */
async function fileOf(name: string): Promise<Stats | null> {
  const found = await stat(name).catch(() => null);
  if (found !== null) return found.isFile() ? found : null;
  return dirname(name) === name ? null : fileOf(dirname(name));
}
