/** The folder of package.json: the same seen from `ts` (under vitest) and from `dist`. */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Both `ts/native` and `dist/native` lie two folders below it. */
export const packageRoot: string = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** The version of udi-native. */
export function packageVersion(): string {
  const description: unknown = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8"));
  return (description as { version: string }).version;
}
