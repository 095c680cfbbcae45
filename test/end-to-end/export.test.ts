/** From pictures to a model in another library: train, export each format, load it there, compare with the engine. */
import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { openEngine } from "../../ts/native/engine.js";
import type { NativeOptions } from "../../ts/native/types.js";
import { OPTIONS as SMALL } from "../native/small-engine.js";
import { distance, type Images, libraryFeatures } from "../python/library-features.js";
import { pythonNote, testPython } from "../python/test-python.js";
import { udiNative } from "./command.js";
import { sharedFolder, writePhotos, writeTinyConfig } from "./photos.js";

const FORMATS = ["safetensors", "timm", "huggingface", "onnx"] as const;
const TOLERANCE = 1e-4;
const [COUNT, SIDE, WIDTH] = [2, 32, 32];

const folder = sharedFolder();
const run = join(folder, "runs", "tiny");

/** The model of `writeTinyConfig`. */
const OPTIONS: NativeOptions = {
  ...SMALL,
  model: {
    ...SMALL.model,
    width: WIDTH,
    mlpRatio: 4,
    patchSize: 8,
    imageSize: SIDE,
    head: { prototypes: 64, hiddenWidth: 48, bottleneckWidth: 16, batchNorm: false, normLastLayer: false },
  },
};

const images: Images = {
  shape: [COUNT, 3, SIDE, SIDE],
  values: Float32Array.from({ length: COUNT * 3 * SIDE * SIDE }, (_, place) => Math.sin(place * 0.11)),
};

interface Told {
  readonly folder: string;
  readonly network: string;
  readonly files: readonly { readonly name: string; readonly bytes: number; readonly sha256: string }[];
}

const exports = new Map<string, Told>();

beforeAll(async () => {
  const photos = join(folder, "photos");
  mkdirSync(photos);
  await writePhotos(photos, 16);
  const tiny = writeTinyConfig(folder);
  const set = [
    "training.epochs=1",
    "schedule.warmupTeacherTemperatureEpochs=1",
    `evaluate.knn.heldOut=${photos}`,
  ];
  const settings = set.flatMap((setting) => ["--set", setting]);
  const trained = await udiNative("train", tiny, "--data", photos, "--out", run, ...settings);
  if (trained.status !== 0) throw new Error(trained.stderr);
  for (const format of FORMATS) {
    const out = join(folder, "exports", format);
    const ended = await udiNative("export", run, "--format", format, "--out", out, "--json");
    if (ended.status !== 0) throw new Error(ended.stderr);
    exports.set(format, JSON.parse(ended.stdout) as Told);
  }
});

describe("a trained run", () => {
  test.each(FORMATS)("is exported to %s with one command", (format) => {
    const told = exports.get(format);
    expect(told?.network).toBe("teacher");
    expect(readdirSync(told?.folder ?? "")).toEqual(
      expect.arrayContaining(told?.files.map((file) => file.name) ?? []),
    );
  });

  test("has its scores, its data and its settings in the model card", () => {
    const card = readFileSync(join(exports.get("timm")?.folder ?? "", "README.md"), "utf8");
    expect(card).toContain("From the run `tiny` at step 2 (1 epoch).");
    expect(card).toMatch(/\| knn, teacher, step 2 \| 10 \| \d+\.\d % \| \d+\.\d % \|/);
    expect(card).toContain("`photos`: 16 images");
    expect(card).toContain("schedule.learningRate: 0.1");
    expect(card).not.toContain(folder);
  });

  test("is not exported over another export, and the message says how", async () => {
    const out = exports.get("timm")?.folder ?? "";
    const again = await udiNative("export", run, "--format", "onnx", "--out", out);
    expect(again.status).toBe(2);
    expect(again.stderr).toContain("which holds an export");
    expect(again.stderr).toContain("--force");
    const forced = await udiNative(
      "export",
      join(run, "checkpoints", "2"),
      "--format",
      "timm",
      "--out",
      out,
      "--force",
    );
    expect(forced).toMatchObject({ status: 0, stderr: "" });
    expect(forced.stdout).toContain("load.py");
  });

  test("needs a format", async () => {
    const ended = await udiNative("export", run, "--out", join(folder, "none"));
    expect(ended.status).toBe(2);
    expect(ended.stderr).toContain("--format");
  });
});

describe.skipIf(testPython === null)(`a trained run in other libraries${pythonNote}`, () => {
  test("has the engine's features", async () => {
    await using engine = await openEngine(OPTIONS);
    await engine.load(join(run, "checkpoints", "2", "state.safetensors"));
    const values = await engine.embed({ images: COUNT, size: SIDE, pixels: images.values });
    const loaded = FORMATS.filter((format) => format !== "safetensors");
    const jobs = loaded.map((format) => {
      const at = exports.get(format)?.folder ?? "";
      return { folder: at, through: "load.py", images } as const;
    });
    const answers = await libraryFeatures(jobs);
    answers.forEach((answer, place) => {
      const error = distance(answer.cls, { shape: [COUNT, WIDTH], values });
      expect(error, loaded[place]).toBeLessThan(TOLERANCE);
    });
  });
});
