/** Bad input: one clear error with its place and a mend, exit status 2, and nothing overwritten. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { main, startNode, udiNative } from "./command.js";
import { sharedFolder, writePhotos, writeTinyConfig } from "./photos.js";
import { contents } from "./run-files.js";

const folder = sharedFolder();
const photos = join(folder, "photos");
const run = join(folder, "run");
const fresh = join(folder, "fresh");
let tiny: string;

beforeAll(async () => {
  tiny = writeTinyConfig(folder);
  await writePhotos(photos, 24);
  mkdirSync(join(folder, "empty"));
  const { status, stderr } = await udiNative("train", tiny, "--data", photos, "--out", run);
  expect(status, stderr).toBe(0);
});

/** The line of the error, without the hint below it. */
async function errorOf(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await udiNative("train", ...args);
  expect(stdout).toBe("");
  expect(status).toBe(2);
  const [error, hint, ...more] = stderr.trimEnd().split("\n");
  expect(error).toMatch(/^error: /);
  expect(hint).toMatch(/^hint: /);
  expect(more).toEqual([]);
  return error as string;
}

const into = (out: string, ...more: string[]) => ["--data", photos, "--out", out, ...more];

test.each<[string, () => string[], RegExp]>([
  [
    "an unknown key, with the nearest one",
    () => [tiny, ...into(fresh, "--set", "training.epoch=3")],
    /training\.epoch: unknown key; the nearest known one is training\.epochs \(--set training\.epoch\)/,
  ],
  [
    "a value of the wrong type",
    () => [tiny, ...into(fresh, "--set", "training.epochs=many")],
    /training\.epochs: expected a whole number of at least 1, received "many" \(--set training\.epochs\)/,
  ],
  [
    "a value out of range",
    () => [tiny, ...into(fresh, "--set", "objective.alpha=1.5")],
    /objective\.alpha: expected a number in \[0, 1\], received 1\.5/,
  ],
  ["a missing configuration", () => ["missing.yaml", ...into(fresh)], /missing\.yaml/],
  [
    "a missing data folder",
    () => [tiny, "--data", join(folder, "nowhere"), "--out", fresh],
    /nowhere: expected a folder of images, a list of files or tar shards, but it does not exist/,
  ],
  [
    "a data folder without images",
    () => [tiny, "--data", join(folder, "empty"), "--out", fresh],
    /empty: expected images .*, found none/,
  ],
  [
    "a batch larger than the data set",
    () => [tiny, ...into(fresh, "--set", "training.batchSize=25")],
    /training\.batchSize: expected at most the number of training images, 24, received 25/,
  ],
  [
    "a patch size that does not divide the crop",
    () => [tiny, ...into(fresh, "--set", "crops.globalSize=36")],
    /crops\.globalSize: expected a multiple of model\.patchSize 8, received 36/,
  ],
  [
    "a window larger than the grid",
    () => [tiny, ...into(fresh, "--set", "crops.globalWindow=5")],
    /crops\.globalWindow: expected at most the side of the crop's token grid, 4 .*, received 5/,
  ],
  [
    "a device that is not there",
    () => [tiny, ...into(fresh, "--set", "device=cuda:99")],
    /device: expected .*, received "cuda:99"/,
  ],
  [
    "a run to go on with that is not there",
    () => [tiny, ...into(fresh, "--resume")],
    /output: expected a run to go on with, found none in .*fresh/,
  ],
])("%s", async (_, args, message) => {
  expect(await errorOf(...args())).toMatch(message);
  expect(existsSync(fresh)).toBe(false);
});

test("an error in a file names line and column", async () => {
  const file = join(folder, "wrong.yaml");
  writeFileSync(file, "extends: tiny.yaml\ntraining:\n  epohcs: 3\n");
  const error = await errorOf(file, ...into(fresh));
  expect(error).toMatch(/training\.epohcs: unknown key; .*training\.epochs \(.*wrong\.yaml:3:3\)/);
});

test.each<[string, () => string[], RegExp]>([
  [
    "an output folder that holds another run",
    () => [tiny, ...into(run)],
    /output: expected a folder without a run, received .*run, which holds config\.yaml/,
  ],
  [
    "a resumed run whose configuration was changed",
    () => [tiny, ...into(run, "--resume", "--set", "schedule.weightDecay=0.5")],
    /schedule\.weightDecay: expected 0\.04 as in the run in .*run, received 0\.5/,
  ],
  [
    "a resumed run with other images",
    () => [tiny, "--data", join(photos, "fine"), "--out", run, "--resume"],
    /data: expected the 24 images that the run in .*run was started with, received 12/,
  ],
])("%s: nothing of it is touched", async (_, args, message) => {
  const before = contents(run);
  expect(await errorOf(...args())).toMatch(message);
  expect(contents(run)).toEqual(before);
});

test("a wrong option is a wrong use and exits 2", async () => {
  const { status, stderr } = await udiNative("train", "--no-such-option");
  expect(status).toBe(2);
  expect(stderr).toMatch(/^error: unknown option/);
});

test("--help needs neither libtorch nor sharp", async () => {
  const program = `
    process.on("exit", () => console.error(JSON.stringify(process.report.getReport().sharedObjects)));
    await import(${JSON.stringify(main)});`;
  const { ended } = startNode("--input-type=module", "-e", program, "train", "--help");
  const { status, stdout, stderr } = await ended;
  expect(status).toBe(0);
  expect(stdout).toMatch(/--resume/);
  const libraries = JSON.parse(stderr) as string[];
  expect(libraries.filter((name) => /vips|sharp|torch|koffi|udi-native/.test(name))).toEqual([]);
});
