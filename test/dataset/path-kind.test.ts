import { join } from "node:path";
import { expect, test } from "vitest";
import { whatLiesAt } from "../../ts/dataset/path-kind.js";
import { DataError } from "../../ts/errors.js";
import { folderOf } from "./samples.js";

test.each([
  ["photos", "folder"],
  ["photos/", "folder"],
  ["mixed", "folder"],
  ["tars", "shards"],
  ["tars/a.tar", "shards"],
  ["tars/{a,b}.tar", "shards"],
  ["tars/*.tar", "shards"],
  ["list.txt", "list"],
  ["list.CSV", "list"],
  ["list.tsv", "list"],
  ["odd[1]", "folder"],
])("%s is a %s", async (path, kind) => {
  const root = folderOf(
    "photos/1.jpg",
    "mixed/a.tar",
    "mixed/1.jpg",
    "tars/a.tar",
    "tars/b.tar",
    "odd[1]/1.jpg",
  );
  const lists = folderOf("list.txt", "list.CSV", "list.tsv");
  expect(await whatLiesAt(join(path.startsWith("list") ? lists : root, path))).toBe(kind);
});

test.each([
  [
    "photo.jpg",
    "expected a folder of images, a list of files or tar shards, received a file",
    "give the folder",
  ],
  ["photos.zip", "received a file", "unpack it"],
  ["shards.tar.gz", "received a file", "decompress shards.tar.gz to .tar"],
  ["shards.tgz", "received a file", "decompress"],
  [
    "missing",
    "expected a folder of images, a list of files or tar shards, but it does not exist",
    "check the path",
  ],
  ["photo.jpg/inside", "received a file", ""],
])("%s is one error with a way out", async (path, message, hint) => {
  const root = folderOf("photo.jpg", "photos.zip", "shards.tar.gz", "shards.tgz");
  const error = await whatLiesAt(join(root, path)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(DataError);
  expect((error as DataError).message).toContain(message);
  expect((error as DataError).message).toContain(join(root, path));
  expect((error as DataError).hint).toContain(hint);
});

test.each(["s3://bucket/a.tar", "https://host/train-{0..9}.tar", "pipe:cat a.tar"])(
  "%s is refused",
  async (address) => {
    await expect(whatLiesAt(join(process.cwd(), address))).rejects.toThrow(/expected a path on this machine/);
  },
);
