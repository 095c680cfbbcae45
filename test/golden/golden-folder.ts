/** Where the golden values lie: the folder named by UDI_GOLDEN_DIR, or the selection that comes with the project. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const goldenFolder: string = process.env.UDI_GOLDEN_DIR ?? join(import.meta.dirname, "data");

/** The content of a JSON file of the golden folder, named by its path inside it. */
export function goldenJson<T>(path: string): T {
  return JSON.parse(readFileSync(join(goldenFolder, path), "utf8")) as T;
}
