import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { imageFiles } from "../../../ts/evaluate/attention/image-files.js";
import { put, temporaryFolder } from "../../native/fake-libtorch.js";

function folderOf(...names: readonly string[]): string {
  const folder = temporaryFolder();
  for (const name of names) put(join(folder, name));
  return folder;
}

test("frames of a folder come in the order of their numbers, those of folders below it after them", async () => {
  const folder = folderOf("frame-10.png", "frame-2.png", "b/1.jpg", "notes.txt");
  const names = (await imageFiles([folder])).map(({ name }) => name);
  expect(names).toEqual(["frame-2", "frame-10", "b/1"]);
});

test("each image has a name of its own", async () => {
  const folder = folderOf("cat.jpg", "cat.png", "other/cat.jpg");
  const files = await imageFiles([folder, join(folder, "other", "cat.jpg")]);
  expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
});

test("a folder linked into itself is entered once", async () => {
  const folder = folderOf("cat.jpg");
  symlinkSync(folder, join(folder, "again"));
  expect(await imageFiles([folder])).toHaveLength(1);
});

test("a folder without images, and an image that is not there, are one error each", async () => {
  await expect(imageFiles([folderOf("notes.txt")])).rejects.toThrow(/expected at least one image/);
  await expect(imageFiles(["/no/such.jpg"])).rejects.toThrow(/such\.jpg: expected an image or a folder/);
});
