import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type ImageSource, openImageSource } from "../../ts/dataset/image-source.js";
import { DataError } from "../../ts/errors.js";
import { contentsOf, folderOf, keysOf, labelsOf } from "./samples.js";

const IMAGES = ["a.jpg", "b c.png", "sub/d,e.webp"] as const;

async function listed(text: string, name = "list.txt"): Promise<ImageSource> {
  const root = folderOf(...IMAGES, { [name]: text });
  return openImageSource(join(root, name), "auto");
}

function named(source: ImageSource) {
  return labelsOf(source).map((label, index) => [source.key(index), source.classes[label] ?? null]);
}

describe("a list", () => {
  const labelled = [
    ["a.jpg", "cat"],
    ["b c.png", "dog"],
    ["sub/d,e.webp", "cat"],
  ];
  const unlabelled = IMAGES.map((name) => [name, null]);
  const cases: [string, string, string, readonly unknown[]][] = [
    ["one path a line", "list.txt", "a.jpg\nb c.png\nsub/d,e.webp\n", unlabelled],
    [
      "lines of Windows, a byte order mark and empty lines",
      "list.txt",
      "\uFEFFa.jpg\r\nb c.png\r\n\r\nsub/d,e.webp",
      unlabelled,
    ],
    ["a heading over paths", "list.txt", "path\na.jpg\nb c.png\nsub/d,e.webp\n", unlabelled],
    ["a space before the label", "list.txt", "a.jpg cat\nb c.png dog\nsub/d,e.webp cat\n", labelled],
    ["a tab before the label", "list.txt", "a.jpg\tcat\nb c.png\tdog\nsub/d,e.webp\tcat\n", labelled],
    [
      "a table with commas and quotes",
      "list.csv",
      'a.jpg,cat\nb c.png,"dog"\n"sub/d,e.webp",cat\n',
      labelled,
    ],
    [
      "a table with a heading",
      "list.csv",
      'path,label\na.jpg,cat\nb c.png,dog\n"sub/d,e.webp",cat\n',
      labelled,
    ],
    [
      "columns in another order",
      "list.csv",
      'id,Label,File_Name\n1,cat,a.jpg\n2,dog,b c.png\n3,cat,"sub/d,e.webp"\n',
      labelled,
    ],
    [
      "a heading of other names",
      "list.csv",
      'where,what\na.jpg,1\nb c.png,2\n"sub/d,e.webp",3\n',
      unlabelled,
    ],
    ["semicolons", "list.csv", "path;class\na.jpg;cat\nb c.png;dog\nsub/d,e.webp;cat\n", labelled],
    ["tabs", "list.tsv", "a.jpg\tcat\nb c.png\tdog\nsub/d,e.webp\tcat\n", labelled],
    [
      "a label here and there",
      "list.csv",
      'a.jpg,cat\nb c.png\n"sub/d,e.webp",\n',
      [labelled[0], ...unlabelled.slice(1)],
    ],
  ];
  test.each(cases)("with %s", async (_, name, text, expected) => {
    const source = await listed(text, name);
    expect(source.kind).toBe("list");
    expect(named(source)).toEqual(expected);
    expect(await contentsOf(source)).toEqual([...IMAGES]);
  });

  test("of names without endings is taken as it is where data.kind says so", async () => {
    const root = folderOf("0001", "0002", { "train.list2": "0001\n0002\n" });
    const source = await openImageSource(join(root, "train.list2"), "list");
    expect(await contentsOf(source)).toEqual(["0001", "0002"]);
  });

  test("holds absolute paths and links, and names each file by its absolute path", async () => {
    const root = folderOf("elsewhere/1.jpg", { "lists/a.txt": "../elsewhere/1.jpg\nlink.jpg\n" });
    symlinkSync(join(root, "elsewhere/1.jpg"), join(root, "lists/link.jpg"));
    writeFileSync(join(root, "lists/b.txt"), `${join(root, "elsewhere/1.jpg")}\n`);
    const [a, b] = await Promise.all(
      ["a", "b"].map((name) => openImageSource(join(root, `lists/${name}.txt`), "auto")),
    );
    expect(a?.name(0)).toBe(join(root, "elsewhere/1.jpg"));
    expect(await contentsOf(a as ImageSource)).toEqual(["elsewhere/1.jpg", "elsewhere/1.jpg"]);
    expect(b?.name(0)).toBe(join(root, "elsewhere/1.jpg"));
  });

  test("sorts labels that are numbers as numbers", async () => {
    const source = await listed("a.jpg,10\nb c.png,9\n", "list.csv");
    expect([source.classes, labelsOf(source)]).toEqual([
      ["9", "10"],
      [1, 0],
    ]);
  });

  test("gives back every path and label that a table writer put into quotes", async () => {
    const root = folderOf("x.jpg");
    const word = fc.string({ minLength: 1, maxLength: 12 }).map((text) => text.replace(/[\0\r\uFEFF]/g, "_"));
    const rows = fc.array(fc.tuple(word, word), { minLength: 1, maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(rows, async (pairs) => {
        const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
        const expected = [
          ["x.jpg", "first"],
          ...pairs.map(([path, label]) => [`p${path}`, `l${label.trim()}`]),
        ];
        const text = `path,label\n${expected.map((row) => row.map(quoted).join(",")).join("\n")}\n`;
        writeFileSync(join(root, "list.csv"), text);
        const source = await openImageSource(join(root, "list.csv"), "auto");
        expect(named(source)).toEqual(expected);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a long list", () => {
  const open = (root: string) =>
    openImageSource(join(root, "list.csv"), "auto", { cache: join(root, "cache"), indexFrom: 2 });

  test("is kept as an index, and read anew when it has changed", async () => {
    const root = folderOf("a.jpg", "b.jpg", "c.jpg", { "list.csv": "a.jpg,x\nb.jpg,y\n" });
    const first = await open(root);
    const again = await open(root);
    expect([keysOf(again), labelsOf(again), again.classes]).toEqual([
      keysOf(first),
      labelsOf(first),
      first.classes,
    ]);
    writeFileSync(join(root, "list.csv"), "a.jpg,x\nc.jpg,y\n");
    utimesSync(join(root, "list.csv"), 1, 1);
    expect(keysOf(await open(root))).toEqual(["a.jpg", "c.jpg"]);
  });
});

describe("a list that cannot be used is one error with a way out", () => {
  async function failure(text: string | Buffer, name = "list.txt"): Promise<DataError> {
    const root = folderOf("a.jpg", { [name]: text });
    const error = await openImageSource(join(root, name), "list").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).hint).toBeTruthy();
    expect((error as DataError).message).toContain(join(root, name));
    return error as DataError;
  }

  test("without a path, or not of text", async () => {
    expect((await failure("")).message).toContain("found none");
    expect((await failure("path,label\n", "list.csv")).message).toContain("found none");
    expect((await failure(Buffer.from([0xff, 0xd8, 0, 0, 1]), "list.csv")).message).toContain(
      "received binary data",
    );
  });

  test("with a quote that is never closed", async () => {
    expect((await failure('path,label\n"a.jpg,cat\n', "list.csv")).message).toMatch(
      /expected rows of a table: .*line/,
    );
  });

  test("whose files are not there", async () => {
    const error = await failure("x.jpg\ny.jpg\n");
    expect(error.message).toMatch(/2 of 2 files of it .* do not exist, the first is .*x\.jpg/);
    expect(error.hint).toContain("relative to its folder");
  });

  test("that is a folder", async () => {
    const root = folderOf("a.jpg");
    mkdirSync(join(root, "list.txt"));
    const open = openImageSource(join(root, "list.txt"), "list");
    await expect(open).rejects.toThrow(/expected a list of images, received a folder/);
  });
});

test("a list of which some files are missing is used, with a remark", async () => {
  const root = folderOf("a.jpg", { "list.txt": "a.jpg\nb.jpg\n" });
  const remarks: string[] = [];
  const source = await openImageSource(join(root, "list.txt"), "auto", {
    onRemark: (line) => remarks.push(line),
  });
  expect(source.count).toBe(2);
  expect(remarks).toEqual([
    expect.stringMatching(/1 of 2 files .* do not exist, the first is .*b\.jpg; such files are skipped/),
  ]);
});
