import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  cutPictures,
  pictureSteps,
  readFacts,
  type ShownImage,
  sameClass,
  timeFolder,
  writePictures,
} from "../../ts/run/picture-folders.js";
import { noSmallDisk, smallDisk } from "./small-disk.js";
import { temporaryFolder } from "./temporary-folder.js";

const FACTS = { images: ["a.jpg"] };

test("steps with pictures are found in their order, whatever else lies there", async () => {
  const run = temporaryFolder();
  expect(await pictureSteps(run)).toEqual([]);
  for (const step of [120, 9, 123456789]) await writePictures(timeFolder(run, step), {}, FACTS);
  mkdirSync(join(run, "pictures", "step-x"));
  writeFileSync(join(run, "pictures", "notes.txt"), "");
  expect(await pictureSteps(run)).toEqual([9, 120, 123456789]);
});

test("later pictures and unfinished ones go, earlier ones and those of the crops stay", async () => {
  const run = temporaryFolder();
  await cutPictures(run, 5);
  for (const step of [0, 5, 6, 7]) await writePictures(timeFolder(run, step), {}, FACTS);
  await writePictures(join(run, "pictures", "crops"), {}, FACTS);
  mkdirSync(join(run, "pictures", "step-00000008.partial"));
  await cutPictures(run, 5);
  expect(readdirSync(join(run, "pictures")).sort()).toEqual(["crops", "step-00000000", "step-00000005"]);
});

test("facts are read as they were written; torn or missing ones are none", async () => {
  const run = temporaryFolder();
  const place = timeFolder(run, 1);
  await writePictures(place, { "a.webp": new Uint8Array([1, 2]) }, FACTS);
  expect(await readFacts(place)).toEqual(FACTS);
  for (const torn of ['{"images": [', "null", "{}", '{"images": 3}']) {
    writeFileSync(join(place, "facts.json"), torn);
    expect(await readFacts(place)).toBe(null);
  }
  expect(await readFacts(timeFolder(run, 2))).toBe(null);
});

test("neighbours of the same class are counted among the labelled images", () => {
  const near = (name: string | null) => ({ name: "n", class: name, similarity: 1 });
  const image = (own: string | null, ...names: (string | null)[]): ShownImage => ({
    name: "i",
    class: own,
    neighbours: names.map(near),
  });
  expect(sameClass([image("a", "a", "b"), image("b", "b", "b"), image(null, null)])).toEqual({
    same: 3,
    of: 4,
  });
  expect(sameClass([image(null, null, "a")])).toBe(null);
  expect(sameClass([image("a")])).toBe(null);
});

test.skipIf(noSmallDisk !== null)(
  "on a full disk nothing is left of pictures, and those before stay",
  async () => {
    using disk = smallDisk(64 * 4096);
    await writePictures(timeFolder(disk.folder, 1), {}, FACTS);
    disk.fill(4 * 4096);
    const large = { "a.webp": new Uint8Array(20 * 4096) };
    await expect(writePictures(timeFolder(disk.folder, 2), large, FACTS)).rejects.toThrow("ENOSPC");
    expect(readdirSync(join(disk.folder, "pictures"))).toEqual(["step-00000001"]);
    disk.empty();
    await writePictures(timeFolder(disk.folder, 2), large, FACTS);
    expect(await pictureSteps(disk.folder)).toEqual([1, 2]);
  },
);
