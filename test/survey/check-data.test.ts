import { appendFileSync, chmodSync, copyFileSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { openImageSource } from "../../ts/dataset/image-source.js";
import { checkData } from "../../ts/survey/check-data.js";
import { temporaryFolder } from "../native/fake-libtorch.js";

const LIMITS = { maxPixels: 100_000, crops: [224, 32], workers: 3 };

function image(width: number, height: number, colour: number) {
  const background = { r: colour, g: 255 - colour, b: 7 };
  return sharp({ create: { width, height, channels: 3, background } });
}

/** Two classes of good images of several formats, and what else is found in folders of images. */
async function photographs(): Promise<string> {
  const root = temporaryFolder();
  mkdirSync(join(root, "cats"));
  mkdirSync(join(root, "dogs"));
  await image(300, 200, 10)
    .jpeg()
    .toFile(join(root, "cats", "a.jpg"));
  await image(40, 50, 20)
    .png()
    .toFile(join(root, "cats", "b.png"));
  await image(64, 30, 30)
    .grayscale()
    .toColourspace("grey16")
    .png()
    .toFile(join(root, "cats", "c.png"));
  await image(250, 250, 40)
    .webp()
    .toFile(join(root, "dogs", "d.webp"));
  copyFileSync(join(root, "cats", "a.jpg"), join(root, "cats", "again.jpg"));
  copyFileSync(join(root, "cats", "b.png"), join(root, "dogs", "b.png"));
  writeFileSync(join(root, "cats", "text.jpg"), "no image");
  writeFileSync(join(root, "cats", "text-too.jpg"), "no image");
  writeFileSync(join(root, "dogs", "empty.jpg"), "");
  await image(400, 300, 50)
    .png()
    .toFile(join(root, "dogs", "too-large.png"));
  return root;
}

test("counts, classes, sizes, formats, unusable files and duplicates are what lies in the folder", async () => {
  const root = await photographs();
  const source = await openImageSource(root, "auto");
  const report = await checkData({ ...LIMITS, source });
  expect(report).toMatchObject({ path: root, kind: "class-folders", images: 10, usable: 6 });
  expect(report.classes).toEqual({
    count: 2,
    smallest: { name: "dogs", images: 4 },
    largest: { name: "cats", images: 6 },
    unlabelled: 0,
  });
  expect(report.sizes?.width).toEqual({ min: 40, median: 250, max: 300 });
  expect(report.sizes?.height).toEqual({ min: 30, median: 200, max: 250 });
  expect(report.sizes?.smallerThan).toEqual([
    { side: 224, images: 5 },
    { side: 32, images: 1 },
  ]);
  expect(report.formats).toEqual({ png: 3, jpeg: 2, webp: 1 });
  expect(report.colours).toEqual({ "rgb 8 bit": 5, "gray 16 bit": 1 });
  expect(report.bad.map(({ file }) => file)).toEqual(
    ["cats/text-too.jpg", "cats/text.jpg", "dogs/empty.jpg", "dogs/too-large.png"].map((name) =>
      join(root, name),
    ),
  );
  expect(report.bad[2]?.reason).toMatch(/empty/);
  expect(report.bad[3]?.reason).toMatch(/pixel/);
  expect(report.duplicates).toEqual([
    { files: ["cats/a.jpg", "cats/again.jpg"].map((name) => join(root, name)), acrossClasses: false },
    { files: ["cats/b.png", "dogs/b.png"].map((name) => join(root, name)), acrossClasses: true },
    { files: ["cats/text-too.jpg", "cats/text.jpg"].map((name) => join(root, name)), acrossClasses: false },
  ]);
});

test("the report is the same for any number of workers", async () => {
  const source = await openImageSource(await photographs(), "auto");
  const reports = await Promise.all([1, 2, 64].map((workers) => checkData({ ...LIMITS, source, workers })));
  const { seconds: _, ...first } = reports[0] as (typeof reports)[number];
  for (const { seconds: _, ...other } of reports) expect(other).toEqual(first);
});

test("files that vanish, grow bad or cannot be read after the folder was listed are told, and nothing stops", async () => {
  const root = await photographs();
  const source = await openImageSource(root, "auto");
  rmSync(join(root, "cats", "a.jpg"));
  rmSync(join(root, "cats", "again.jpg"));
  mkdirSync(join(root, "cats", "again.jpg"));
  chmodSync(join(root, "dogs", "d.webp"), 0);
  appendFileSync(join(root, "cats", "c.png"), "what follows an image does not count");
  const report = await checkData({ ...LIMITS, source });
  const reasons = Object.fromEntries(
    report.bad.map(({ file, reason }) => [file.slice(root.length + 1), reason]),
  );
  expect(reasons["cats/a.jpg"]).toMatch(/does not exist/);
  expect(reasons["cats/again.jpg"]).toMatch(/folder/);
  expect(reasons["cats/c.png"]).toBeUndefined();
  if (process.getuid?.() !== 0) expect(reasons["dogs/d.webp"]).toMatch(/permission/);
  expect(report.duplicates.flatMap(({ files }) => files)).not.toContain(join(root, "cats", "a.jpg"));
});

test("progress is told image by image", async () => {
  const source = await openImageSource(await photographs(), "auto");
  const seen: number[] = [];
  const report = await checkData({
    ...LIMITS,
    source,
    onProgress: ({ done, bad, bytes }) => {
      seen.push(done);
      if (done === source.count) expect({ bad, bytes: bytes > 0 }).toEqual({ bad: 4, bytes: true });
    },
  });
  expect(seen).toEqual(Array.from({ length: source.count }, (_, index) => index + 1));
  expect(report.bytes).toBeGreaterThan(0);
});
