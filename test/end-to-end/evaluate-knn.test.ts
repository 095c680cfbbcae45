/** `udi-native evaluate knn` and `embed` as a user starts them, on real files. */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type EmbedOptions, embed } from "../../ts/evaluate/embed-images.js";
import { openEngine } from "../../ts/native/engine.js";
import { OPTIONS } from "../native/small-engine.js";
import { askProgram, pythonNote, testPython } from "../python/test-python.js";
import { udiNative } from "./command.js";
import { damagePhotos, sharedFolder, writePhotos } from "./photos.js";

const folder = sharedFolder();
const checkpoint = join(folder, "state.safetensors");
const [train, val] = [join(folder, "train"), join(folder, "val")];
const cache = join(folder, "cache");
const PLACE = [
  "--checkpoint",
  checkpoint,
  "--heads",
  "2",
  "--device",
  "cpu",
  "--threads",
  "1",
  "--workers",
  "1",
];

beforeAll(async () => {
  await using engine = await openEngine(OPTIONS);
  await engine.save(checkpoint);
  await writePhotos(train, 40);
  await writePhotos(val, 20);
  damagePhotos(val, [3]);
});

function knn(...more: readonly string[]) {
  return udiNative("evaluate", "knn", ...PLACE, "--train", train, "--cache", cache, ...more);
}

test("each feature and k has its score; a second time features come from the disk", async () => {
  const features = ["--feature", "cls", "cls+", "cls,cls+", "patches"];
  const all = ["--val", val, "--k", "1,10", ...features, "--json"];
  const first = await knn(...all);
  expect(first.status, first.stderr).toBe(0);
  const result = JSON.parse(first.stdout);
  expect(result.features.map(({ feature }: { feature: string }) => feature)).toEqual(features.slice(1));
  for (const { scores } of result.features) {
    expect(scores.map(({ neighbours }: { neighbours: number }) => neighbours)).toEqual([1, 10]);
  }
  const { top1 } = result.features[3].scores[0];
  expect(top1).toBeCloseTo(await nearestAccuracy("patches"), 9);
  expect([result.trainImages, result.heldOutImages, result.skipped.length]).toEqual([40, 19, 1]);
  expect(result).toMatchObject({
    network: "teacher",
    protocol: "held out",
    size: { resizeTo: 18, crop: 16 },
  });
  expect(first.stderr).toContain("left out: 1 files");
  expect(readdirSync(cache)).toHaveLength(8);
  const second = await knn(...all);
  expect(second.stderr).toContain(`taken from ${cache}`);
  expect(JSON.parse(second.stdout)).toEqual(result);
});

test("one folder is judged by itself, and the table says so", async () => {
  const { status, stdout } = await knn("--k", "5", "--feature", "patches", "--no-cache");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^k-NN of the teacher: 40 train images of 2 classes, each judged by all others/);
  expect(stdout).toMatch(/\npatches +5 +[\d.]+ % +[\d.]+ to [\d.]+ +100\.00 %$/m);
});

test("baselines are rows below, with what the checkpoint is above them; raw pixels say against what", async () => {
  const { status, stdout, stderr } = await knn("--k", "5", "--feature", "cls", "patches", "--baselines");
  expect(status, stderr).toBe(0);
  const row = (name: string) => `\\n${name} +5 +[\\d.]+ % +[\\d.]+ to [\\d.]+ +100\\.00 % +[+-][\\d.]+`;
  expect(stdout).toMatch(
    new RegExp(
      `\\nthe same network with fresh weights, seed 0:\\nfeature.*above${row("cls")}${row("patches")}\\n`,
    ),
  );
  expect(stdout).toMatch(new RegExp(`\\nraw pixels: .*:\\nfeature.*above${row("pixels")}\\n`));
  expect(stdout.trimEnd()).toMatch(/\nabove: top-1 of the teacher less .*; for pixels that of cls$/);
  expect(stderr).toMatch(/features: 120 of 120 images/);
});

test.each([
  [
    "an empty folder",
    () => ["--val", emptyFolder("empty")],
    /empty: expected images in its sub-folders, found none/,
  ],
  [
    "no class folders",
    () => ["--val", join(val, "fine")],
    /fine: expected images in its sub-folders, found none/,
  ],
  ["another device than there is", () => ["--val", val, "--device", "cuda:9"], /^error: device: expected/m],
  [
    "a crop below a patch",
    () => ["--val", val, "--size", "3"],
    /size: expected at least one patch of 4 pixels, received 3/,
  ],
  [
    "images smaller than their crop",
    () => ["--val", val, "--resize-to", "15"],
    /resizeTo: expected at least the crop's side 16, received 15/,
  ],
  [
    "heads that do not fit",
    () => ["--val", val, "--heads", "3"],
    /heads: expected a divisor of the width 16/,
  ],
])("%s is one error with exit status 2 and nothing on stdout", async (_, more, message) => {
  const { status, stdout, stderr } = await knn(...more());
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/\n {4}at /);
});

test("a class with one image is told of; only such classes are refused", async () => {
  const folders = [join(folder, "single-some"), join(folder, "single-all")] as const;
  for (const [root, counts] of [
    [folders[0], { coarse: 3, fine: 1 }],
    [folders[1], { coarse: 1, fine: 1 }],
  ] as const) {
    for (const [name, count] of Object.entries(counts)) {
      mkdirSync(join(root, name), { recursive: true });
      for (const file of readdirSync(join(train, name)).slice(0, count)) {
        writeFileSync(join(root, name, file), readFileSync(join(train, name, file)));
      }
    }
  }
  const told = await udiNative("evaluate", "knn", ...PLACE, "--train", folders[0], "--no-cache", "--k", "1");
  expect(told.status, told.stderr).toBe(0);
  expect(told.stderr).toContain("1 classes have one image, which no other can find: fine");
  const refused = await udiNative("evaluate", "knn", ...PLACE, "--train", folders[1], "--no-cache");
  expect([refused.status, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toContain("expected a class of at least two images");
  const missing = await udiNative(
    "evaluate",
    "knn",
    ...PLACE,
    "--train",
    folders[0],
    "--val",
    train,
    "--no-cache",
  );
  expect(missing.status).toBe(0);
});

test("a file that holds no network is one error", async () => {
  const file = join(folder, "other.safetensors");
  writeFileSync(file, readFileSync("test/golden/data/knn/features.safetensors"));
  const { status, stderr } = await udiNative("evaluate", "knn", "--checkpoint", file, "--train", train);
  expect(status).toBe(2);
  expect(stderr).toMatch(/^error: /m);
});

test("features are written once, whole, with a row for each readable image", async () => {
  const out = join(folder, "rows", "val.safetensors");
  const command = ["embed", val, ...PLACE, "--out", out, "--feature", "cls", "patches", "--batch", "6"];
  const { status, stdout, stderr } = await udiNative(...command, "--json");
  expect(status, stderr).toBe(0);
  const files = [out, `${out}.jsonl`];
  expect(JSON.parse(stdout)).toMatchObject({
    rows: 19,
    files,
    features: [{ feature: "cls", width: 16 }, {}],
  });
  expect(readdirSync(join(folder, "rows")).sort()).toEqual(["val.safetensors", "val.safetensors.jsonl"]);
  const lines = readFileSync(`${out}.jsonl`, "utf8").trimEnd().split("\n");
  expect(JSON.parse(lines[0] as string)).toEqual({ path: join(val, "coarse", "0.png"), label: "coarse" });
  const again = await udiNative(...command);
  expect([again.status, again.stdout]).toEqual([2, ""]);
  expect(again.stderr).toContain("--force replaces it");
  expect((await udiNative(...command, "--force")).status).toBe(0);
});

test.each([
  [["--out", "rows.csv"], /out: expected a file that ends in .parquet, .safetensors, .npy/],
  [
    ["--out", join(folder, "two.npy"), "--feature", "cls", "cls+"],
    /feature: expected one, all that a .npy file holds/,
  ],
])("a file that cannot hold the rows is refused before anything is computed: %#", async (more, message) => {
  const { status, stdout, stderr } = await udiNative("embed", val, ...PLACE, ...more);
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toMatch(message);
});

test("where no image can be read there is no file, not even a part of one", async () => {
  const broken = join(folder, "broken");
  mkdirSync(broken, { recursive: true });
  for (const name of ["a.png", "b.png"]) writeFileSync(join(broken, name), "no image");
  for (const ending of [".parquet", ".safetensors", ".npy"]) {
    const out = join(folder, "nothing", `rows${ending}`);
    const { status, stderr } = await udiNative("embed", broken, ...PLACE, "--out", out);
    expect(status).toBe(2);
    expect(stderr).toContain("none of its 2 images can be decoded");
  }
  expect(readdirSync(join(folder, "nothing"))).toEqual([]);
});

interface Found {
  readonly features: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly paths: readonly string[] | null;
  readonly labels: readonly unknown[] | null;
}

test.skipIf(testPython === null)(
  `pyarrow, NumPy and safetensors read the same rows that embed() gives${pythonNote}`,
  async () => {
    const files = readdirSync(join(train, "coarse")).map((name) => join(train, "coarse", name));
    const images = [
      ...files.sort(),
      ...readdirSync(join(train, "fine"))
        .sort()
        .map((name) => join(train, "fine", name)),
    ];
    const expected = await embed(images, { checkpoint, heads: 2, device: "cpu", precision: "fp32" });
    for (const [ending, feature] of [
      [".parquet", "cls"],
      [".npy", ""],
      [".safetensors", "cls"],
    ] as const) {
      const out = join(folder, "python", `rows${ending}`);
      const { status, stderr } = await udiNative("embed", train, ...PLACE, "--out", out, "--batch", "7");
      expect(status, stderr).toBe(0);
      const found = await askProgram<Found>("rows.py", { file: out });
      const rows = found.features[feature] ?? [];
      expect(rows).toHaveLength(40);
      for (const [at, value] of rows.flat().entries())
        expect(value).toBeCloseTo(expected.values[at] as number, 4);
      if (ending === ".parquet") {
        expect(found.paths).toEqual(images);
        expect(found.labels).toEqual([...Array(20).fill("coarse"), ...Array(20).fill("fine")]);
      }
      if (ending === ".safetensors")
        expect(found.labels).toEqual([...Array(20).fill(0), ...Array(20).fill(1)]);
      expect(existsSync(`${out}.jsonl`)).toBe(ending !== ".parquet");
    }
  },
);

/** Share of readable val images whose nearest train image, by the cosine of `embed`'s features, is of their class. */
async function nearestAccuracy(feature: "patches"): Promise<number> {
  const options = { checkpoint, heads: 2, device: "cpu", precision: "fp32", feature } as const;
  const known = imagesOf(train);
  const asked = imagesOf(val).filter(({ file }) => !file.endsWith("fine/3.png"));
  const [of, to] = [await unitRows(known, options), await unitRows(asked, options)];
  const right = asked.filter(({ name }, at) => {
    const cosines = of.map((row) => row.reduce((sum, value, i) => sum + value * (to[at]?.[i] as number), 0));
    return known[cosines.indexOf(Math.max(...cosines))]?.name === name;
  });
  return right.length / asked.length;
}

interface LabelledFile {
  readonly file: string;
  readonly name: string;
}

function imagesOf(root: string): LabelledFile[] {
  const ofClass = (name: string) =>
    readdirSync(join(root, name)).map((file) => ({ file: join(root, name, file), name }));
  return ["coarse", "fine"].flatMap(ofClass);
}

async function unitRows(images: readonly LabelledFile[], options: EmbedOptions): Promise<number[][]> {
  const { values, width } = await embed(
    images.map(({ file }) => file),
    options,
  );
  return images.map((_, at) => {
    const row = Array.from(values.subarray(at * width, (at + 1) * width));
    const norm = Math.hypot(...row);
    return row.map((value) => value / norm);
  });
}

function emptyFolder(name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  return path;
}
