import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  createWholeFile,
  fillWholeFile,
  removePartial,
  removeWholeFolder,
  writeWholeFile,
  writeWholeFolder,
} from "../../ts/run/whole-files.js";
import { temporaryFolder } from "./temporary-folder.js";

test("a file is replaced by its new text and nothing else remains", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "config.yaml");
  await writeWholeFile(file, "a long first text");
  await writeWholeFile(file, ["second\n", "text\n"]);
  expect(readFileSync(file, "utf8")).toBe("second\ntext\n");
  expect(readdirSync(folder)).toEqual(["config.yaml"]);
});

test("a file that others write is replaced when it is whole, and stays where it cannot be", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "trace.json");
  await fillWholeFile(file, (partial) => writeFile(partial, "first"));
  const failing = fillWholeFile(file, async (partial) => {
    await writeFile(partial, "half of the sec");
    throw new Error("disk full");
  });
  await expect(failing).rejects.toThrow("disk full");
  await expect(fillWholeFile(file, async () => {})).rejects.toThrow("ENOENT");
  expect(readFileSync(file, "utf8")).toBe("first");
  await fillWholeFile(file, (partial) => writeFile(partial, "second"));
  expect(readFileSync(file, "utf8")).toBe("second");
  expect(readdirSync(folder)).toEqual(["trace.json"]);
});

test("of two that create the same file at once, one does and the other leaves it alone", async () => {
  const folder = temporaryFolder();
  const file = join(folder, "config.yaml");
  const [first, second] = [await createWholeFile(file, "first"), await createWholeFile(file, "second")];
  expect([first, second]).toEqual([true, false]);
  expect(readFileSync(file, "utf8")).toBe("first");
  expect(readdirSync(folder)).toEqual(["config.yaml"]);
});

test("a folder whose files cannot all be written does not appear, and the old one stays", async () => {
  const parent = temporaryFolder();
  const folder = join(parent, "10");
  await writeWholeFolder(folder, (partial) => writeFile(join(partial, "state"), "old"));
  const failing = writeWholeFolder(folder, async (partial) => {
    await writeFile(join(partial, "state"), "new");
    throw new Error("disk full");
  });
  await expect(failing).rejects.toThrow("disk full");
  expect(readFileSync(join(folder, "state"), "utf8")).toBe("old");
  expect(readdirSync(parent)).toEqual(["10"]);
});

test("a folder takes the place of one with the same name", async () => {
  const parent = temporaryFolder();
  const folder = join(parent, "10");
  await writeWholeFolder(folder, (partial) => writeFile(join(partial, "old"), ""));
  await writeWholeFolder(folder, (partial) => writeFile(join(partial, "new"), ""));
  expect(readdirSync(folder)).toEqual(["new"]);
  expect(readdirSync(parent)).toEqual(["10"]);
});

test("a removed folder leaves nothing behind, and removing none is no error", async () => {
  const parent = temporaryFolder();
  mkdirSync(join(parent, "10"));
  writeFileSync(join(parent, "10", "state"), "");
  await removeWholeFolder(join(parent, "10"));
  await removeWholeFolder(join(parent, "20"));
  expect(readdirSync(parent)).toEqual([]);
});

test("only what carries both a known name and the mark of the unfinished is swept away", async () => {
  const folder = temporaryFolder();
  for (const name of ["config.yaml.7.partial", "film.mp4.partial", "config.yaml"]) {
    writeFileSync(join(folder, name), "");
  }
  await removePartial(folder, /^config\.yaml\./);
  expect(readdirSync(folder).sort()).toEqual(["config.yaml", "film.mp4.partial"]);
  expect(existsSync(join(folder, "config.yaml.7.partial"))).toBe(false);
});
