/** The configurations that come with the package, named by their path below `configs` without its ending. */
import { readdirSync } from "node:fs";
import { relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** The same seen from `ts/config` and from `dist/config`. */
export const configsFolder: string = fileURLToPath(new URL("../../configs", import.meta.url));

/** `defaults`, `quickstart`, `pretrain/vit-small-16-100ep`, … */
export function builtInNames(): readonly string[] {
  return readdirSync(configsFolder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".yaml"))
    .map((file) => file.slice(0, -".yaml".length).split(sep).join("/"))
    .sort();
}

/** The file of a built-in configuration. */
export function builtInFile(name: string): string {
  return fileURLToPath(new URL(`../../configs/${name}.yaml`, import.meta.url));
}

/** How messages name a file: a built-in one from `configs/` on, others from the working directory. */
export function displayName(file: string): string {
  const within = relative(configsFolder, file);
  if (!within.startsWith("..")) return `configs/${within}`;
  const fromHere = relative(process.cwd(), file);
  return fromHere.startsWith("..") ? file : fromHere;
}
