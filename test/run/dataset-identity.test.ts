import { cpSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openImageSource } from "../../ts/dataset/image-source.js";
import { type DatasetIdentity, datasetIdentity, requireSameDataset } from "../../ts/run/dataset-identity.js";
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
  expect(() => requireSameDataset(before, now, "/runs/a")).toThrow(/received 3 of other names$/);
});
