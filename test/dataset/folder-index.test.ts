import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { type ImageSource, type IndexProgress, openImageSource } from "../../ts/dataset/image-source.js";
import { sharedFolder } from "../end-to-end/photos.js";
import { folderOf, keysOf, labelsOf, put } from "./samples.js";

interface Opened {
  readonly source: ImageSource;
  /** Empty: the index was used. */
  readonly progress: readonly IndexProgress[];
}

async function open(root: string, kind: "auto" | "class-folders" | "flat-folder" = "auto"): Promise<Opened> {
  const progress: IndexProgress[] = [];
  const source = await openImageSource(join(root, "data"), kind, {
    cache: join(root, "cache"),
    indexFrom: 2,
    onProgress: (step) => progress.push(step),
  });
  return { source, progress };
}

function content({ source }: Opened) {
  return [source.kind, source.classes, keysOf(source), labelsOf(source)];
}

const shared = sharedFolder();

const CHANGED = [
  "data/a/3.jpg",
  "data/a/x/1.jpg",
  "data/b/1.jpg",
  "data/empty/n.txt",
  "first/1.jpg",
  "second/2.jpg",
];
const SMALL = ["data/a/1.jpg", "data/a/2.jpg", "data/b/1.jpg"];

/** All folders are made at once, and left alone until their times tell of each change: the clocks of file systems are coarse. */
beforeAll(async () => {
  made("again", "data/b/1.jpg", "data/b/ä ü.jpg", "data/a/x/2.png", "data/a/3.webp", "data/empty/n.txt");
  symlinkSync(join(shared, "again/data/a/x"), join(shared, "again/data/b/linked"));
  for (const at of changes.keys()) {
    made(`change-${at}`, ...CHANGED);
    symlinkSync(join(shared, `change-${at}/first`), join(shared, `change-${at}/data/b/link`));
  }
  for (const name of ["damaged", "cacheless", "killed", "small"]) made(name, ...SMALL);
  await new Promise((resolve) => setTimeout(resolve, 2100));
});

function made(name: string, ...files: readonly string[]): void {
  for (const file of files) put(join(shared, name), { [file]: "" });
}

function indexFiles(root: string): string[] {
  if (!existsSync(join(root, "cache"))) return [];
  const files = readdirSync(join(root, "cache"), { recursive: true, encoding: "utf8" });
  return files.map((name) => join(root, "cache", name)).filter((file) => statSync(file).isFile());
}

test("the second time names come from the index, and are the same", async () => {
  const root = join(shared, "again");
  const first = await open(root);
  const second = await open(root);
  expect(first.progress.at(-1)).toEqual({ path: join(root, "data"), images: 5, done: 5, total: 5 });
  expect(second.progress).toEqual([]);
  expect(content(second)).toEqual(content(first));
  expect(content(first)).toEqual([
    "class-folders",
    ["a", "b"],
    ["a/3.webp", "a/x/2.png", "b/1.jpg", "b/ä ü.jpg", "b/linked/2.png"],
    [0, 0, 1, 1, 1],
  ]);
  const flat = await open(root, "flat-folder");
  expect([flat.progress.length > 0, flat.source.kind]).toEqual([true, "flat-folder"]);
  expect((await open(root)).source.kind).toBe("class-folders");
});

const changes: [string, (data: string) => void][] = [
  ["an image is added in a deep folder", (data) => put(data, { "a/x/new.jpg": "" })],
  ["an image is removed", (data) => rmSync(join(data, "a/3.jpg"))],
  ["an image is renamed", (data) => renameSync(join(data, "a/3.jpg"), join(data, "a/4.jpg"))],
  ["an image comes into a folder that had none", (data) => put(data, { "empty/1.jpg": "" })],
  ["a class is added", (data) => put(data, { "c/1.jpg": "" })],
  ["a class is renamed", (data) => renameSync(join(data, "a"), join(data, "z"))],
  ["a folder is replaced by one with the same time", replaceSameTime],
  ["an image is added and the folder's time is set back", setBack],
  ["a link leads elsewhere", (data) => relink(data)],
];

function replaceSameTime(data: string): void {
  const { atime, mtime } = statSync(join(data, "a/x"));
  rmSync(join(data, "a/x"), { recursive: true });
  put(data, { "a/x/other.jpg": "" });
  utimesSync(join(data, "a/x"), atime, mtime);
}

function setBack(data: string): void {
  const { atime, mtime } = statSync(join(data, "a"));
  linkSync(join(data, "a/3.jpg"), join(data, "a/5.jpg"));
  utimesSync(join(data, "a"), atime, mtime);
}

function relink(data: string): void {
  rmSync(join(data, "b/link"));
  symlinkSync(join(data, "../second"), join(data, "b/link"));
}

test("an index is out of date, and made again, as soon as", { timeout: 60_000 }, async () => {
  for (const [at, [name, change]] of changes.entries()) {
    const root = join(shared, `change-${at}`);
    const before = await open(root);
    expect((await open(root)).progress, name).toEqual([]);
    change(join(root, "data"));
    const after = await open(root);
    expect(after.progress, name).not.toEqual([]);
    expect(content(after), name).not.toEqual(content(before));
    rmSync(join(root, "cache"), { recursive: true });
    expect(content(after), name).toEqual(content(await open(root)));
  }
});

test("a folder that was changed just now is not trusted to an index", async () => {
  const root = folderOf("data/a/1.jpg", "data/b/1.jpg");
  await open(root);
  expect(indexFiles(root)).toEqual([]);
});

test("a damaged index is as good as none, wherever it is damaged or cut", async () => {
  const root = join(shared, "damaged");
  const whole = content(await open(root));
  const [file] = indexFiles(root) as [string];
  const bytes = readFileSync(file);
  const damage = fc.record({
    at: fc.nat({ max: bytes.length - 1 }),
    bit: fc.nat({ max: 7 }),
    cut: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(damage, async ({ at, bit, cut }) => {
      const damaged = cut ? bytes.subarray(0, at) : Buffer.from(bytes);
      if (!cut) damaged[at] = (damaged[at] as number) ^ (1 << bit);
      writeFileSync(file, damaged);
      const opened = await open(root);
      expect(content(opened)).toEqual(whole);
      expect(opened.progress).not.toEqual([]);
      expect(readFileSync(file).equals(bytes)).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("the index of a folder is not taken for that of another, nor does a cache that cannot be written stop anything", async () => {
  const root = join(shared, "cacheless");
  put(root, { cache: "a file in the way" });
  expect((await open(root)).source.count).toBe(3);
  rmSync(join(root, "cache"));
  await open(root);
  renameSync(join(root, "data"), join(root, "moved"));
  mkdirSync(join(root, "data"));
  put(root, { "data/c/1.jpg": "", "data/d/1.jpg": "" });
  expect((await open(root)).source.classes).toEqual(["c", "d"]);
});

test("what a killed process left of an index is removed an hour later", async () => {
  const root = join(shared, "killed");
  await open(root);
  const [file] = indexFiles(root) as [string];
  for (const name of ["old", "new"]) writeFileSync(`${file}.${name}.partial`, "torn");
  utimesSync(`${file}.old.partial`, new Date(), new Date(Date.now() - 3_700_000));
  writeFileSync(file, "torn");
  await open(root);
  expect(indexFiles(root).sort()).toEqual([file, `${file}.new.partial`]);
});

test("small folders are listed anew, and leave nothing in the cache", async () => {
  const root = join(shared, "small");
  await openImageSource(join(root, "data"), "auto", { cache: join(root, "cache") });
  expect(indexFiles(root)).toEqual([]);
});
