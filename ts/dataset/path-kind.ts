/** What lies at a path that a user named. */
import { opendir, stat } from "node:fs/promises";
import { basename } from "node:path";
import { DataError } from "../errors.js";
import { explained } from "./data-path-error.js";
import { isHiddenName, isImageName } from "./image-names.js";
import { isPattern, isTarName } from "./shard-paths.js";

/** Throws DataError where nothing is there, or nothing that holds images. */
export async function whatLiesAt(path: string): Promise<"folder" | "list" | "shards"> {
  refuseAddress(path);
  const status = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT" && isPattern(path)) return null;
    return explained(path, "a folder of images, a list of files or tar shards", () => Promise.reject(cause));
  });
  if (status === null) return "shards";
  if (status.isDirectory()) return (await holdsShards(path)) ? "shards" : "folder";
  if (isTarName(path)) return "shards";
  if (/\.(txt|csv|tsv|lst|list)$/i.test(path)) return "list";
  throw new DataError(
    `data ${path}: expected a folder of images, a list of files or tar shards, received a file`,
    {
      hint: fileHint(path),
    },
  );
}

/** A folder with tar files and no images of its own. Looks no further than the first image: there may be a million. */
async function holdsShards(folder: string): Promise<boolean> {
  let shards = false;
  const entries = await explained(folder, "a folder of images", () => opendir(folder));
  for await (const { name } of entries) {
    if (isHiddenName(name)) continue;
    if (isImageName(name)) return false;
    shards ||= isTarName(name);
  }
  return shards;
}

function fileHint(path: string): string {
  if (/\.(tgz|tar\.\w+)$/i.test(path))
    return `shards are read where they lie: decompress ${basename(path)} to .tar first`;
  if (/\.(zip|7z|rar|gz|xz|zst)$/i.test(path)) return "unpack it, and give the folder";
  return "give the folder in which the file lies; a list of files is called .txt, .csv or .tsv";
}

function refuseAddress(path: string): void {
  const address = /(?:^|\/)(https?|s3|gs|hdfs|pipe|hf):/i.exec(path);
  if (address === null) return;
  throw new DataError(`data: expected a path on this machine, received an address: ${address[1]}: …`, {
    hint: "nothing is downloaded while training: copy the data to a disk or mount them first",
  });
}
