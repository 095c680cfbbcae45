import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, symlinkSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readImageFile, UnreadableFile } from "../../ts/dataset/read-file.js";
import { folderOf } from "./samples.js";

async function failure(file: string): Promise<string> {
  const error = await readImageFile(file).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(UnreadableFile);
  return (error as UnreadableFile).message;
}

test("a file is read, also through links, and an empty one is empty", async () => {
  const root = folderOf("a.jpg", { "b.jpg": "" });
  symlinkSync(join(root, "a.jpg"), join(root, "link.jpg"));
  expect((await readImageFile(join(root, "link.jpg"))).toString()).toBe("a.jpg");
  expect((await readImageFile(join(root, "b.jpg"))).length).toBe(0);
});

test("what is no file, or was one, is a reason and never a wait", async () => {
  const root = folderOf();
  mkdirSync(join(root, "folder.jpg"));
  execFileSync("mkfifo", [join(root, "pipe.jpg")]);
  symlinkSync("circle.jpg", join(root, "circle.jpg"));
  expect(await failure(join(root, "gone.jpg"))).toBe("the file does not exist, or no more");
  expect(await failure(join(root, "folder.jpg"))).toMatch(/expected a file, received a folder/);
  expect(await failure(join(root, "pipe.jpg"))).toMatch(/expected a file, received a folder, a pipe/);
  expect(await failure("/dev/zero")).toMatch(/expected a file, received .*device/);
  expect(await failure(join(root, "circle.jpg"))).toMatch(/leads in a circle/);
});

test("a file of a size that no image has is not read", async () => {
  const root = folderOf("huge.jpg");
  truncateSync(join(root, "huge.jpg"), 2 ** 31);
  expect(await failure(join(root, "huge.jpg"))).toBe(
    "expected at most 1073741824 bytes, received 2147483648",
  );
});

test("a file that may not be read says so", async () => {
  const root = folderOf("a.jpg");
  chmodSync(root, 0o755);
  chmodSync(join(root, "a.jpg"), 0);
  if (process.geteuid?.() === 0) {
    process.seteuid?.(65534); // permissions do not bind root
    onTestFinished(() => process.seteuid?.(0));
  }
  expect(await failure(join(root, "a.jpg"))).toBe("cannot be read: permission denied");
});
