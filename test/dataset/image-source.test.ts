import { chmodSync, mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ImageSource, openImageSource } from "../../ts/dataset/image-source.js";
import { DataError } from "../../ts/errors.js";
import { put, temporaryFolder } from "../native/fake-libtorch.js";

function folderOf(...files: string[]): string {
  const root = temporaryFolder();
  for (const file of files) put(join(root, file));
  return root;
}

function filesOf(source: ImageSource): string[] {
  return Array.from({ length: source.count }, (_, index) => source.key(index));
}

function labelsOf(source: ImageSource): number[] {
  return Array.from({ length: source.count }, (_, index) => source.label(index));
}

describe("class folders", () => {
  test("classes are sorted sub-folder names, files are walked at any depth in torchvision's order", async () => {
    const root = folderOf(
      "b/2.png",
      "b/10.png",
      "a/x/in/1.jpg",
      "a/x-y/1.jpg",
      "a/z.jpg",
      "c/deep/er/1.webp",
    );
    const source = await openImageSource(root, "class-folders");
    expect(source.kind).toBe("class-folders");
    expect(source.classes).toEqual(["a", "b", "c"]);
    expect(filesOf(source)).toEqual([
      "a/z.jpg",
      "a/x-y/1.jpg",
      "a/x/in/1.jpg",
      "b/10.png",
      "b/2.png",
      "c/deep/er/1.webp",
    ]);
    expect(labelsOf(source)).toEqual([0, 0, 0, 1, 1, 2]);
  });

  test("images beside the class folders are not part of it, nor are folders without images classes", async () => {
    const source = await openImageSource(
      folderOf("0.png", "a/1.png", "b/notes.txt", "c/2.png"),
      "class-folders",
    );
    expect(source.classes).toEqual(["a", "c"]);
    expect(filesOf(source)).toEqual(["a/1.png", "c/2.png"]);
    expect(labelsOf(source)).toEqual([0, 1]);
  });

  test("a folder may be linked into two classes", async () => {
    const root = folderOf("elsewhere/1.png");
    for (const name of ["data/a", "data/b"]) mkdirSync(join(root, name), { recursive: true });
    symlinkSync(join(root, "elsewhere"), join(root, "data/a/linked"));
    symlinkSync(join(root, "elsewhere"), join(root, "data/b/linked"));
    const source = await openImageSource(join(root, "data"), "class-folders");
    expect(filesOf(source)).toEqual(["a/linked/1.png", "b/linked/1.png"]);
  });

  test("an index outside is an error", async () => {
    const source = await openImageSource(folderOf("a/1.png"), "class-folders");
    for (const index of [-1, 1, 0.5]) {
      expect(() => source.label(index)).toThrow(RangeError);
      expect(() => source.name(index)).toThrow(RangeError);
    }
  });
});

describe("flat folders", () => {
  test("every image below it, unlabelled", async () => {
    const source = await openImageSource(folderOf("2.png", "1.png", "a/3.png", "a/b/4.png"), "flat-folder");
    expect(source.classes).toEqual([]);
    expect(filesOf(source)).toEqual(["1.png", "2.png", "a/3.png", "a/b/4.png"]);
    expect(labelsOf(source)).toEqual([-1, -1, -1, -1]);
  });

  test("nine endings in any case are images; hidden files, archives' leftovers and the rest are not", async () => {
    const endings = ["jpg", "JPEG", "Png", "ppm", "bmp", "pgm", "tif", "TIFF", "webp"];
    const others = [
      "a.txt",
      "a.jpg.txt",
      "jpg",
      ".a.jpg",
      "._a.jpg",
      "__MACOSX/a.jpg",
      ".cache/a.jpg",
      "a.svg",
    ];
    const root = folderOf(...endings.map((ending) => `image.${ending}`), ...others);
    mkdirSync(join(root, "folder.jpg"));
    const source = await openImageSource(root, "flat-folder");
    expect(filesOf(source)).toEqual(endings.map((ending) => `image.${ending}`).sort());
  });

  test("links are followed, and those that lead in a circle end", async () => {
    const root = folderOf("data/1.png", "other/2.png");
    symlinkSync(join(root, "other"), join(root, "data/linked"));
    symlinkSync(join(root, "data"), join(root, "data/self"));
    symlinkSync(join(root, "data"), join(root, "other/back"));
    symlinkSync(join(root, "other/2.png"), join(root, "data/3.png"));
    symlinkSync(join(root, "nowhere"), join(root, "data/broken"));
    const source = await openImageSource(join(root, "data"), "flat-folder");
    expect(filesOf(source)).toEqual(["1.png", "3.png", "linked/2.png"]);
  });
});

describe("auto", () => {
  const cases: [string, string[], string][] = [
    ["two sub-folders with images are classes", ["a/1.png", "b/2.png"], "class-folders"],
    ["images directly in it make it flat", ["0.png", "a/1.png", "b/2.png"], "flat-folder"],
    ["one sub-folder with images is no set of classes", ["a/1.png", "b/notes.txt"], "flat-folder"],
    ["a folder with train alone is no split", ["train/1.png", "other/2.png"], "class-folders"],
  ];
  test.each(cases)("%s", async (_, files, kind) => {
    expect((await openImageSource(folderOf(...files), "auto")).kind).toBe(kind);
  });

  test("a data set with its splits is not taken for two classes", async () => {
    const root = folderOf("train/a/1.png", "val/a/2.png");
    await expect(openImageSource(root, "auto")).rejects.toMatchObject({
      message: expect.stringContaining('received "train" and "val"'),
      hint: expect.stringContaining(join(root, "train")),
    });
    expect((await openImageSource(root, "flat-folder")).count).toBe(2);
  });
});

describe("a folder that cannot be used is one error with a way out", () => {
  async function failure(path: string, kind: "auto" | "class-folders" | "flat-folder"): Promise<DataError> {
    const error = await openImageSource(path, kind).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).hint).toBeTruthy();
    return error as DataError;
  }

  test.each(["auto", "class-folders", "flat-folder"] as const)(
    "missing, a file, or empty (%s)",
    async (kind) => {
      const root = folderOf("file.jpg", "empty/notes.txt");
      expect((await failure(join(root, "missing"), kind)).message).toContain("does not exist");
      expect((await failure(join(root, "file.jpg"), kind)).message).toContain("received a file");
      expect((await failure(join(root, "empty"), kind)).message).toContain("found none");
    },
  );

  test("images without class folders, where classes are asked for", async () => {
    const error = await failure(folderOf("1.png"), "class-folders");
    expect(error.message).toContain("in its sub-folders");
    expect(error.hint).toContain("flat-folder");
  });

  test("a sub-folder that may not be read", async () => {
    const root = folderOf("open/1.png", "shut/2.png");
    chmodSync(root, 0o755);
    chmodSync(join(root, "shut"), 0);
    onTestFinished(() => chmodSync(join(root, "shut"), 0o755));
    becomeNobody();
    const error = await failure(root, "auto");
    expect(error.message).toContain(join(root, "shut"));
    expect(error.message).toContain("permission denied");
    expect(error.hint).toContain("chmod");
  });
});

/** Permissions do not bind root. */
function becomeNobody(): void {
  if (process.geteuid?.() !== 0) return;
  process.seteuid?.(65534);
  onTestFinished(() => process.seteuid?.(0));
}
