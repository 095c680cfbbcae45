import { existsSync, readdirSync, readFileSync, utimesSync } from "node:fs";
import { basename, join } from "node:path";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { openImageSource } from "../../ts/dataset/image-source.js";
import { QUICKSTART_CLASSES } from "../../ts/dataset/quickstart/classes.js";
import { quickstartData, quickstartFolder } from "../../ts/dataset/quickstart/quickstart-data.js";
import { QUICKSTART_IMAGES, quickstartImage } from "../../ts/dataset/quickstart/render.js";
import { DataError } from "../../ts/errors.js";
import { put, temporaryFolder } from "../native/fake-libtorch.js";

test("classes share their shapes, textures and palettes, and no two share all", () => {
  expect(QUICKSTART_CLASSES.length).toBeGreaterThanOrEqual(10);
  expect(new Set(QUICKSTART_CLASSES.map(({ name }) => name)).size).toBe(QUICKSTART_CLASSES.length);
  for (const part of ["shape", "texture", "palette"] as const) {
    for (const { [part]: value } of QUICKSTART_CLASSES) {
      const sharing = QUICKSTART_CLASSES.filter((other) => other[part] === value);
      expect(sharing.length, `${part} ${value}`).toBeGreaterThan(1);
    }
  }
});

test("an image is the same each time, and differs from every other", async () => {
  const [first, second] = QUICKSTART_CLASSES;
  if (first === undefined || second === undefined) throw new Error("no classes");
  const image = await quickstartImage(first, "train", 0);
  expect(await quickstartImage(first, "train", 0)).toEqual(image);
  expect(await quickstartImage(first, "train", 1)).not.toEqual(image);
  expect(await quickstartImage(first, "held-out", 0)).not.toEqual(image);
  expect(await quickstartImage(second, "train", 0)).not.toEqual(image);
});

test("images are small, opaque and use the whole range of grey", async () => {
  for (const kind of QUICKSTART_CLASSES) {
    const image = sharp(await quickstartImage(kind, "train", 3));
    expect(await image.metadata()).toMatchObject({ width: 96, height: 96, channels: 3, format: "png" });
    const { channels } = await image.stats();
    for (const { stdev } of channels) expect(stdev, kind.name).toBeGreaterThan(10);
  }
});

describe("the cache folder", () => {
  test("is rendered once, whole, with progress, and cleaned of what killed processes left", async () => {
    const env = { XDG_CACHE_HOME: temporaryFolder() };
    const abandoned = `${quickstartFolder(env)}.0.partial`;
    put(join(abandoned, "train/a/0.png"));
    utimesSync(abandoned, 0, 0);
    const progress: number[] = [];
    const options = { env, onProgress: (done: number) => progress.push(done) };
    const [data, same] = await Promise.all([quickstartData(options), quickstartData({ env })]);
    expect(same).toEqual(data);
    expect(progress.at(-1)).toBe(QUICKSTART_IMAGES);
    expect(readdirSync(join(env.XDG_CACHE_HOME, "udi-native"))).toEqual([basename(quickstartFolder(env))]);
    const [train, heldOut] = [
      await openImageSource(data.train, "auto"),
      await openImageSource(data.heldOut, "auto"),
    ];
    const names = QUICKSTART_CLASSES.map(({ name }) => name).sort();
    expect([train.classes, heldOut.classes]).toEqual([names, names]);
    expect([train.count, heldOut.count, train.count + heldOut.count]).toEqual([2016, 504, QUICKSTART_IMAGES]);

    progress.length = 0;
    const before = readFileSync(train.name(0));
    await quickstartData(options);
    expect(progress).toEqual([]);
    expect(readFileSync(train.name(0))).toEqual(before);
  });

  test("that cannot be written is one error with a way out", async () => {
    const file = join(temporaryFolder(), "file");
    put(file);
    const error = await quickstartData({ env: { XDG_CACHE_HOME: file } }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataError);
    expect((error as DataError).hint).toContain("XDG_CACHE_HOME");
  });

  test("is absent after a rendering that was interrupted", async () => {
    const env = { XDG_CACHE_HOME: temporaryFolder() };
    const onProgress = () => {
      throw new Error("interrupted");
    };
    await expect(quickstartData({ env, onProgress })).rejects.toThrow(/interrupted/);
    expect(existsSync(quickstartFolder(env))).toBe(false);
    expect(readdirSync(join(env.XDG_CACHE_HOME, "udi-native"))).toEqual([]);
  });
});
