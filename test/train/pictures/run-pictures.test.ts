/** Pictures of real runs. */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { beforeAll, expect, test } from "vitest";
import { type Config, loadConfig, type StepRecord, train } from "../../../ts/index.js";
import { cropsFolder, readFacts, type TimeFacts, timeFolder } from "../../../ts/run/picture-folders.js";
import { sharedFolder, writePhotos, writeTinyConfig } from "../../end-to-end/photos.js";
import { computed, contents } from "../../end-to-end/run-files.js";

const folder = sharedFolder();
const photos = join(folder, "photos");

/** Of 48 images: four are shown, ten of the others searched, after 0, 2, 4 and 6 epochs of six steps. */
const PICTURES = ["everyEpochs=2", "images=4", "pool=10"].map((key) => `evaluate.pictures.${key}`);

function config(name: string, ...set: string[]): Config {
  return loadConfig({ file: writeTinyConfig(folder), data: photos, out: join(folder, name), set });
}

/** Contents by name below the run's folder of pictures. */
function pictures(name: string): Record<string, string> {
  const root = join(folder, name, "pictures");
  return Object.fromEntries(
    Object.entries(contents(root)).map(([file, text]) => [file.slice(root.length), text]),
  );
}

beforeAll(async () => {
  await writePhotos(photos, 48);
  await train(config("pictured", ...PICTURES));
});

test("pictures are made of the untrained network, every so many epochs and at the end", async () => {
  expect(readdirSync(join(folder, "pictured", "pictures")).sort()).toEqual([
    "crops",
    "step-00000000",
    "step-00000012",
    "step-00000024",
    "step-00000036",
  ]);
  const place = timeFolder(join(folder, "pictured"), 12);
  for (const file of ["features.webp", "neighbours.webp"]) {
    const { width, height, format } = await sharp(join(place, file)).metadata();
    expect([format, width > 400, height > 400]).toEqual(["webp", true, true]);
  }
  expect(readdirSync(cropsFolder(join(folder, "pictured"))).sort()).toEqual([
    "facts.json",
    "image-1.webp",
    "image-2.webp",
  ]);
});

test("what they show stands beside them: four images, each with five others of the pool", async () => {
  const facts = await readFacts<TimeFacts>(timeFolder(join(folder, "pictured"), 24));
  expect(facts).toMatchObject({ step: 24, epoch: 4, network: "teacher", pool: 10 });
  const names = facts?.images.map(({ name }) => name) ?? [];
  expect(new Set(names).size).toBe(4);
  for (const { name, class: own, neighbours } of facts?.images ?? []) {
    expect(name.startsWith(`${own}/`)).toBe(true);
    expect(neighbours).toHaveLength(5);
    for (const near of neighbours) {
      expect(names).not.toContain(near.name);
      expect(near.name.startsWith(`${near.class}/`)).toBe(true);
      expect(Math.abs(near.similarity)).toBeLessThan(1 + 1e-5);
    }
  }
});

test("a run with pictures computes bit for bit what one without them does", async () => {
  await train(config("plain"));
  expect(existsSync(join(folder, "plain", "pictures"))).toBe(false);
  expect(computed(join(folder, "pictured"))).toEqual(computed(join(folder, "plain")));
});

test("a resumed run comes to the same pictures, and makes those anew that are later than its checkpoint", async () => {
  const stop = new AbortController();
  const onStep = ({ step }: StepRecord) => step === 20 && stop.abort();
  const { outcome } = await train(config("resumed", ...PICTURES), { signal: stop.signal, onStep });
  expect(outcome).toBe("interrupted");
  const later = timeFolder(join(folder, "resumed"), 24);
  const partial = `${timeFolder(join(folder, "resumed"), 36)}.partial`;
  for (const left of [later, partial]) writeTorn(left);
  await train(config("resumed", ...PICTURES), { mode: "resume" });
  expect(pictures("resumed")).toEqual(pictures("pictured"));
});

function writeTorn(place: string): void {
  rmSync(place, { recursive: true, force: true });
  writeFileSync(place, "of a later step");
}

test("pictures that the signal cut short are made when the run goes on", async () => {
  const stop = new AbortController();
  const onStep = ({ step }: StepRecord) => step === 36 && stop.abort();
  const first = await train(config("cut", ...PICTURES), { signal: stop.signal, onStep });
  expect(first.outcome).toBe("interrupted");
  const second = await train(config("cut", ...PICTURES), { mode: "resume" });
  expect(second).toMatchObject({ outcome: "finished", step: 36 });
  expect(pictures("cut")).toEqual(pictures("pictured"));
});

test("pictures that cannot be written are a remark, and the run finishes", async () => {
  const remarks: string[] = [];
  const { outcome } = await train(config("refused", ...PICTURES), {
    onStart: (start) => writeFileSync(join(start.folder, "pictures"), "in the way"),
    onRemark: (line) => remarks.push(line),
  });
  expect(outcome).toBe("finished");
  expect(remarks.filter((line) => /^no pictures of step \d+: E/.test(line))).toHaveLength(4);
  expect(readFileSync(join(folder, "refused", "pictures"), "utf8")).toBe("in the way");
});

test("a model of one class token, unlabelled images and a pool smaller than five have pictures too", async () => {
  const small = join(folder, "three");
  await writePhotos(small, 16);
  const set = [
    ...PICTURES.slice(0, 1),
    "data.kind=flat-folder",
    "model.classTokens=1",
    "evaluate.pictures.images=12",
    "training.epochs=2",
    "crops.localCrops=0",
  ];
  const one = loadConfig({ file: writeTinyConfig(folder), data: small, out: join(folder, "one"), set });
  await train(one);
  const facts = await readFacts<TimeFacts>(timeFolder(join(folder, "one"), 4));
  expect(facts?.pool).toBe(4);
  expect(facts?.images.map(({ class: own, neighbours }) => [own, neighbours.length])).toEqual(
    Array.from({ length: 12 }, () => [null, 4]),
  );
});
