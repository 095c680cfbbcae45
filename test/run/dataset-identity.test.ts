import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type ImageSource, openImageSource } from "../../ts/dataset/image-source.js";
import { openMixture } from "../../ts/dataset/mixture.js";
import { type DatasetIdentity, datasetIdentity, requireSameDataset } from "../../ts/run/dataset-identity.js";
import { tarOf } from "../dataset/samples.js";
import { temporaryFolder } from "./temporary-folder.js";

/** Only names are looked at, so that empty files do. */
function imageFolder(): string {
  const folder = join(temporaryFolder(), "photos");
  for (const name of ["cats/1.png", "cats/2.png", "dogs/1.png"]) {
    mkdirSync(join(folder, name, ".."), { recursive: true });
    writeFileSync(join(folder, name), "");
  }
  return folder;
}

async function identity(folder: string): Promise<DatasetIdentity> {
  return datasetIdentity(await openImageSource(folder, "auto"));
}

test("images that were moved as a whole are the same", async () => {
  const folder = imageFolder();
  const before = await identity(folder);
  const elsewhere = join(temporaryFolder(), "elsewhere");
  cpSync(folder, elsewhere, { recursive: true });
  const now = await identity(elsewhere);
  expect(now).toEqual({ ...before, path: elsewhere });
  expect(() => requireSameDataset(before, now, "/runs/a")).not.toThrow();
});

test("a removed image is another data set, and the error says how many there were", async () => {
  const folder = imageFolder();
  const before = await identity(folder);
  rmSync(join(folder, "cats", "2.png"));
  const now = await identity(folder);
  expect(() => requireSameDataset(before, now, "/runs/a")).toThrow(
    /^data: expected the 3 images .* \/runs\/a .* received 2$/,
  );
});

test("a renamed image is another data set", async () => {
  const folder = imageFolder();
  const before = await identity(folder);
  renameSync(join(folder, "cats", "2.png"), join(folder, "cats", "9.png"));
  const now = await identity(folder);
  expect(() => requireSameDataset(before, now, "/runs/a")).toThrow(
    /received 3 with other names or in another order$/,
  );
});

/** A list, two shards and a folder below one root, opened anew. */
async function mixed(root: string, weight = 1, shuffleBuffer = 10): Promise<ImageSource> {
  const names = ["list.txt", "shards", "photos"];
  const parts = names.map((name, at) => ({
    path: join(root, name),
    kind: "auto" as const,
    weight: at === 0 ? weight : 1,
  }));
  return openMixture(parts, { cache: join(root, "cache"), shuffleBuffer });
}

function everything(): string {
  const folder = imageFolder();
  const root = join(folder, "..");
  writeFileSync(join(root, "list.txt"), "photos/cats/1.png\nphotos/dogs/1.png\n");
  for (const name of ["a", "b"]) tarOf(join(root, `shards/${name}.tar`), { "1.jpg": "", "2.jpg": "" });
  return root;
}

test("lists, shards and mixtures that were moved as a whole are the same", async () => {
  const root = everything();
  const before = datasetIdentity(await mixed(root));
  const elsewhere = join(temporaryFolder(), "elsewhere");
  cpSync(root, elsewhere, { recursive: true });
  expect(datasetIdentity(await mixed(elsewhere))).toEqual({
    ...before,
    path: expect.stringContaining(elsewhere),
  });
});

test("another weight, shuffle buffer, shard or line is another order, and so another data set", async () => {
  const root = everything();
  const { names } = datasetIdentity(await mixed(root));
  const others = [datasetIdentity(await mixed(root, 2)), datasetIdentity(await mixed(root, 1, 11))];
  renameSync(join(root, "shards/b.tar"), join(root, "shards/c.tar"));
  others.push(datasetIdentity(await mixed(root)));
  renameSync(join(root, "shards/c.tar"), join(root, "shards/b.tar"));
  writeFileSync(join(root, "list.txt"), "photos/dogs/1.png\nphotos/cats/1.png\n");
  others.push(datasetIdentity(await mixed(root)));
  expect(new Set([names, ...others.map((other) => other.names)]).size).toBe(5);
});
