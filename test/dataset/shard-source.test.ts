import { appendFileSync, copyFileSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pack } from "tar-stream";
import { describe, expect, test } from "vitest";
import { type ImageSource, type IndexProgress, openImageSource } from "../../ts/dataset/image-source.js";
import { UnreadableFile } from "../../ts/dataset/read-file.js";
import { DataError } from "../../ts/errors.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { contentsOf, type Files, folderOf, keysOf, labelsOf, put, tarOf } from "./samples.js";

interface Opened {
  readonly source: ImageSource;
  readonly remarks: readonly string[];
  readonly progress: readonly IndexProgress[];
}

async function open(root: string, path = root, shuffleBuffer = 100): Promise<Opened> {
  const [remarks, progress]: [string[], IndexProgress[]] = [[], []];
  const source = await openImageSource(path, "auto", {
    cache: join(root, "cache"),
    indexFrom: 1,
    shuffleBuffer,
    onRemark: (line) => remarks.push(line),
    onProgress: (step) => progress.push(step),
  });
  return { source, remarks, progress };
}

function named({ source }: Opened) {
  return labelsOf(source).map((label, index) => [source.key(index), source.classes[label] ?? null]);
}

describe("members of a shard", () => {
  async function members(files: Files, ...options: string[]): Promise<Opened> {
    const root = temporaryFolder();
    tarOf(join(root, "data/a.tar"), files, ...options);
    return open(root, join(root, "data/a.tar"));
  }

  test("of one name up to the first dot are a sample: an image, and a label where it has one", async () => {
    const opened = await members({
      "d/1.jpg": "one",
      "d/1.cls": "7\n",
      "d/2.json": '{"caption": "x", "label": "cat"}',
      "d/2.PNG": "two",
      "d/3.webp": "three",
      "d/3.txt": "12",
      "d/4.jpg": "four",
      "d/4.txt": "a photo of 4 cats",
      "d/5.jpg": "five",
      "d/5.json": "not json",
    });
    expect(named(opened)).toEqual([
      ["a.tar/d/1.jpg", "7"],
      ["a.tar/d/2.PNG", "cat"],
      ["a.tar/d/3.webp", "12"],
      ["a.tar/d/4.jpg", null],
      ["a.tar/d/5.jpg", null],
    ]);
    expect(await contentsOf(opened.source)).toEqual(["one", "two", "three", "four", "five"]);
    expect(opened.source.kind).toBe("shards");
  });

  test("beside the image are no images, but pictures packed as they lay in a folder are", async () => {
    const opened = await members({
      "1.mask.png": "mask",
      "1.jpg": "one",
      "1.depth.png": "depth",
      "trip.2020.jpg": "2020",
      "trip.2021.jpg": "2021",
      "__MACOSX/2.jpg": "",
      "._3.jpg": "",
      "notes.md": "",
    });
    expect(await contentsOf(opened.source)).toEqual(["one", "2020", "2021"]);
  });

  const long = `${"deep/".repeat(30)}${"long name ü ".repeat(12)}`;
  test.each(["gnu", "posix", "v7", "ustar"])(
    "are found in an archive of format %s, at any length of name it can have",
    async (format) => {
      const name = format === "v7" ? "short" : format === "ustar" ? `${"deep/".repeat(20)}name` : long;
      const files = {
        [`${name}.jpg`]: "x".repeat(70_000),
        [`${name}.cls`]: "3",
        "empty.jpg": "",
        "last.jpg": "y".repeat(512),
      };
      const opened = await members(files, `--format=${format}`);
      expect(named(opened)).toEqual([
        [`a.tar/${name}.jpg`, "3"],
        ["a.tar/empty.jpg", null],
        ["a.tar/last.jpg", null],
      ]);
      expect(await contentsOf(opened.source)).toEqual(["x".repeat(70_000), "", "y".repeat(512)]);
      expect(opened.remarks).toEqual([]);
    },
  );

  test("that are links, folders or devices are passed over", async () => {
    const file = join(temporaryFolder(), "a.tar");
    const archive = pack();
    archive.entry({ name: "1.jpg" }, "one");
    archive.entry({ name: "2.jpg", type: "symlink", linkname: "1.jpg" });
    archive.entry({ name: "3.jpg", type: "directory" });
    archive.entry({ name: "4.jpg", type: "fifo" });
    archive.entry({ name: "5.jpg", pax: { comment: "kept" } }, "five");
    archive.finalize();
    const pieces: Buffer[] = [];
    for await (const piece of archive) pieces.push(piece as Buffer);
    writeFileSync(file, Buffer.concat(pieces));
    const { source, remarks } = await open(join(file, ".."), file);
    expect(await contentsOf(source)).toEqual(["one", "five"]);
    expect(remarks).toEqual([expect.stringMatching(/: 1 images in it are links and are left out/)]);
  });
});

describe("shards are found", () => {
  function shards(): string {
    const root = temporaryFolder();
    for (const number of [0, 1, 2, 10]) {
      const name = String(number).padStart(3, "0");
      tarOf(join(root, `data/train-${name}.tar`), {
        [`${name}.jpg`]: name,
        [`${name}.cls`]: `c${number % 2}`,
      });
    }
    put(root, { "data/notes.txt": "", "data/.hidden.tar": "" });
    return root;
  }

  test.each([
    ["data", ["000", "001", "002", "010"]],
    ["data/train-001.tar", ["001"]],
    ["data/train-{000..002}.tar", ["000", "001", "002"]],
    ["data/train-{000,010}.tar", ["000", "010"]],
    ["data/train-00*.tar", ["000", "001", "002"]],
    ["data/{train-01*,train-000}.tar", ["000", "010"]],
    ["*/train-00[12].tar", ["001", "002"]],
  ])("by %s", async (path, expected) => {
    const root = shards();
    const { source, progress } = await open(root, join(root, path));
    expect(await contentsOf(source)).toEqual(expected);
    const all = expected.length;
    expect(progress.at(-1)).toEqual({ path: join(root, path), images: all, done: all, total: all });
    expect(source.root).toBe(join(root, path));
    expect(source.name(0)).toBe(join(root, `data/train-${expected[0]}.tar/${expected[0]}.jpg`));
  });

  test("and their labels are those of all of them together", async () => {
    const root = shards();
    const { source } = await open(root, join(root, "data"));
    expect([source.classes, labelsOf(source)]).toEqual([
      ["c0", "c1"],
      [0, 1, 0, 0],
    ]);
  });

  const mistakes: [string, string, RegExp][] = [
    [
      "numbers that are missing",
      "data/train-{000..003}.tar",
      /do not exist, 1 of 4 are missing, the first is train-003\.tar/,
    ],
    ["a pattern that fits nothing", "data/test-*.tar", /by this pattern, found none/],
    ["a file that is missing", "data/x.tar", /does not exist/],
    ["an address", "https://host/train-000.tar", /expected a path on this machine, received an address/],
  ];
  test.each(mistakes)("but not by %s", async (_, path, message) => {
    const root = shards();
    const error = await open(root, path.includes("//") ? path : join(root, path)).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).message).toMatch(message);
    expect((error as DataError).hint).toBeTruthy();
  });

  test("not in a compressed archive, and not where no image is in them", async () => {
    const root = folderOf("data/a.tar.gz");
    await expect(open(root, join(root, "data/a.tar.gz"))).rejects.toMatchObject({
      hint: expect.stringContaining("decompress"),
    });
    tarOf(join(root, "none/a.tar"), { "a.txt": "1" });
    await expect(open(root, join(root, "none"))).rejects.toThrow(
      /expected images in 1 tar files, found none/,
    );
  });
});

describe("a shard that is cut off", () => {
  const files = {
    "1.jpg": "x".repeat(3000),
    "1.cls": "1",
    "2.jpg": "y".repeat(3000),
    "2.cls": "2",
    "3.jpg": "z".repeat(3000),
  };

  test("gives what is whole, with a remark, wherever it is cut", async () => {
    const root = temporaryFolder();
    const file = tarOf(join(root, "whole.tar"), files);
    const whole = await open(root, file);
    const second = 512 + 3072 + 1024 + 512 + 3072; // where the padding of the second image ends
    expect(whole.remarks).toEqual([]);
    for (let length = 100; length < 3 * 512 + 2 * 512 + 3 * 3072; length += 461) {
      const cut = join(root, `cut-${length}.tar`);
      copyFileSync(file, cut);
      truncateSync(cut, length);
      const opened = open(root, cut);
      if (length < 512 + 3000) {
        await expect(opened, `${length}`).rejects.toThrow(/found none/);
        continue;
      }
      const { source, remarks } = await opened;
      const expected = (await contentsOf(whole.source)).slice(0, source.count);
      expect(await contentsOf(source), `${length}`).toEqual(expected);
      expect(source.count, `${length}`).toBeGreaterThanOrEqual(length >= second ? 2 : 1);
      expect(remarks, `${length}`).toEqual([
        expect.stringMatching(/cut-\d+\.tar: it .*; [123] whole images are used/),
      ]);
    }
  });

  test("is told of again when its index is used, and what follows damage is not read", async () => {
    const root = temporaryFolder();
    const file = tarOf(join(root, "a.tar"), files);
    const bytes = readFileSync(file);
    bytes.fill(0xaa, 2 * 512 + 3072 + 512, 2 * 512 + 3072 + 1024);
    writeFileSync(file, bytes);
    const first = await open(root, file);
    const second = await open(root, file);
    expect(first.remarks).toEqual([expect.stringMatching(/Invalid tar header.*; 1 whole images are used/)]);
    expect(second.remarks).toEqual(first.remarks);
    expect(await contentsOf(second.source)).toEqual(["x".repeat(3000)]);
  });
});

describe("the index of a shard", () => {
  test("is used where the shard is as it was, and made again where it is not", async () => {
    const root = temporaryFolder();
    const file = tarOf(join(root, "a.tar"), { "1.jpg": "one", "1.cls": "x" });
    const first = named(await open(root, file));
    expect(named(await open(root, file))).toEqual(first);
    tarOf(file, { "1.jpg": "two", "1.cls": "y" });
    expect(named(await open(root, file))).toEqual([["a.tar/1.jpg", "y"]]);
  });

  test("of a shard that vanished or shrank since then makes images unreadable, not the source", async () => {
    const root = temporaryFolder();
    const file = tarOf(join(root, "a.tar"), { "1.jpg": "x".repeat(5000), "2.jpg": "two" });
    const { source } = await open(root, file);
    truncateSync(file, 5000);
    expect(await source.read(0).catch((error: unknown) => error)).toBeInstanceOf(UnreadableFile);
    await expect(source.read(1)).rejects.toThrow(/shorter than it was/);
    rmSync(file);
    await expect(source.read(0)).rejects.toThrow(/does not exist/);
  });

  test("stays right when an archive grows", async () => {
    const root = temporaryFolder();
    const file = tarOf(join(root, "a.tar"), { "1.jpg": "one" });
    expect((await open(root, file)).source.count).toBe(1);
    tarOf(join(root, "b.tar"), { "2.jpg": "two" });
    const more = readFileSync(join(root, "b.tar"));
    truncateSync(file, 1024);
    appendFileSync(file, more);
    expect(keysOf((await open(root, file)).source)).toEqual(["a.tar/1.jpg", "a.tar/2.jpg"]);
  });
});
