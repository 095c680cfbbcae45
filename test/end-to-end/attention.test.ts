/** Pictures of what a network attends to, drawn by the command from real image files with a real checkpoint. */
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import type { AttentionResult } from "../../ts/evaluate/attention/attention-request.js";
import { goldenFolder, goldenJson } from "../golden/golden-folder.js";
import { readTensors, writeTensors } from "../safetensors-file.js";
import { type Ended, udiNative } from "./command.js";
import { damagePhotos, sharedFolder, writePhotos } from "./photos.js";

const { heads, patch } = goldenJson<{ heads: number; patch: number }>("encoder/case.json");
const folder = sharedFolder();
const photos = join(folder, "photos");
const checkpoint = join(folder, "encoder.safetensors");

beforeAll(async () => {
  await writePhotos(photos, 4);
  const tensors = Object.entries(readTensors(join(goldenFolder, "encoder", "tensors.safetensors")));
  const weights = tensors.filter(([name]) => name.startsWith("parameter."));
  writeTensors(
    checkpoint,
    Object.fromEntries(weights.map(([name, tensor]) => [name.slice("parameter.".length), tensor])),
  );
});

function attention(out: string, ...args: readonly string[]): Promise<Ended> {
  const weights = args.includes("--checkpoint") ? [] : ["--checkpoint", checkpoint, "--heads", `${heads}`];
  return udiNative("attention", ...args, ...weights, "--out", join(folder, out), "--json");
}

test("a folder becomes a sheet for each image, and files under the names of the public program", async () => {
  const { status, stdout, stderr } = await attention(
    "maps",
    photos,
    "--size",
    "50x70",
    "--pca",
    "--separate",
  );
  expect(stderr).toContain("4/4");
  expect(status).toBe(0);
  const { images, skipped, explained, network } = JSON.parse(stdout) as AttentionResult;
  expect([images.length, skipped.length, explained?.length, network]).toEqual([4, 0, 3, "backbone"]);
  for (const { height, width, rows, columns, sheet, separate } of images) {
    expect([height, width, rows * patch, columns * patch]).toEqual([48, 64, 48, 64]);
    expect((await sharp(sheet).metadata()).width).toBeGreaterThan(600);
    for (const file of separate)
      expect(await sharp(file).metadata()).toMatchObject({ height: 48, width: 64 });
  }
  for (const name of [
    "img.png",
    "patches.png",
    "foreground.png",
    "cls/attn-head2.png",
    "cls+/mask_th0.6_mean.png",
  ])
    expect(existsSync(join(folder, "maps", "fine", "1", name))).toBe(true);
});

test("with the same input the same pictures are drawn, and only --force replaces them", async () => {
  const image = join(photos, "coarse", "0.png");
  expect((await attention("again", image, "--size", "48", "--pca")).status).toBe(0);
  const first = readFileSync(join(folder, "again", "0.png"));
  const refused = await attention("again", image, "--size", "48");
  expect(refused).toMatchObject({ status: 2, stdout: "" });
  expect(refused.stderr).toMatch(/out: expected a folder without 0\.png/);
  expect((await attention("again", image, "--size", "48", "--pca", "--force")).status).toBe(0);
  expect(readFileSync(join(folder, "again", "0.png"))).toEqual(first);
});

test("an image that is drawn is never replaced, not even with --force", async () => {
  const own = join(folder, "own");
  mkdirSync(own);
  copyFileSync(join(photos, "fine", "1.png"), join(own, "1.png"));
  const { status, stderr } = await attention("own", own, "--size", "48", "--force");
  expect(status).toBe(2);
  expect(stderr).toMatch(/a sheet would replace/);
  expect(readFileSync(join(own, "1.png"))).toEqual(readFileSync(join(photos, "fine", "1.png")));
});

test("a damaged image among others is skipped and told; alone it is the error", async () => {
  const mixed = join(folder, "mixed");
  await writePhotos(mixed, 2);
  const [damaged] = damagePhotos(mixed, [0]) as [string];
  const { status, stdout, stderr } = await attention("some", mixed, "--size", "48");
  expect(status).toBe(0);
  expect((JSON.parse(stdout) as AttentionResult).skipped.map(({ image }) => image)).toEqual([damaged]);
  expect(stderr).toMatch(/skipped .*0\.png: expected an image/);
  expect(await attention("none", damaged)).toMatchObject({ status: 2, stdout: "" });
});

test("what cannot be drawn is one clear error", async () => {
  const image = join(photos, "coarse", "0.png");
  const small = await attention("small", image, "--size", "7");
  expect([small.status, small.stderr]).toEqual([
    2,
    expect.stringMatching(/at least one patch of 8x8 pixels/),
  ]);
  mkdirSync(join(folder, "empty"));
  const empty = await attention("e", join(folder, "empty"));
  expect([empty.status, empty.stderr]).toEqual([2, expect.stringMatching(/expected at least one image/)]);
  const missing = await attention("m", image, "--checkpoint", join(folder, "no-such"));
  expect([missing.status, missing.stderr]).toEqual([2, expect.stringMatching(/no-such/)]);
  writeFileSync(join(folder, "other.safetensors"), "no weights");
  const other = await attention("o", image, "--checkpoint", join(folder, "other.safetensors"));
  expect([other.status, other.stderr]).toEqual([2, expect.stringMatching(/other\.safetensors/)]);
  for (const out of ["small", "e", "m", "o"]) expect(existsSync(join(folder, out))).toBe(false);
});
