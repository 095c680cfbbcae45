/** Exports of models of many shapes give our engine's features in the libraries that they are for. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import type { ModelOptions } from "../../ts/native/types.js";
import { type ExportOptions, exportCheckpoint } from "../../ts/weights/export.js";
import { sharedFolder } from "../end-to-end/photos.js";
import {
  distance,
  type Images,
  type LibraryJob,
  libraryFeatures,
  type Values,
} from "../python/library-features.js";
import { pythonNote, testPython } from "../python/test-python.js";
import { readTensors } from "../safetensors-file.js";
import { type SmallState, smallState } from "./small-state.js";

const FORMATS = ["timm", "huggingface", "onnx"] as const;
const TOLERANCE = 1e-4;

/** The last one cannot be held by transformers' DINOv2. */
const SHAPES = {
  "two class tokens": {},
  "one class token": { classTokens: 1 },
  "one block, one head": { depth: 1, heads: 1 },
  "a wide one": { width: 192, heads: 3, srsHeads: 3, mlpRatio: 4 },
  "an MLP that is no whole multiple": { mlpRatio: 1.7 },
} as const satisfies Record<string, Partial<ModelOptions>>;

const folder = sharedFolder();

interface Case {
  readonly title: string;
  readonly options: Pick<ExportOptions, "format"> & Partial<ExportOptions>;
  readonly images: Images;
  readonly expected: Values;
}

function casesOf({ model, images, teacher, student, larger }: SmallState): Case[] {
  const imageSize = { height: larger.size, width: larger.size };
  const formats = FORMATS.filter((format) => format !== "huggingface" || Number.isInteger(model.mlpRatio));
  return [
    ...formats.map((format) => ({ title: format, options: { format }, images, expected: teacher })),
    ...formats.map((format) => {
      const options = { format, imageSize };
      return { title: `${format}, larger images`, options, images: larger.images, expected: larger.teacher };
    }),
    { title: "the student", options: { format: "timm", network: "student" }, images, expected: student },
    { title: "weights beside", options: { format: "onnx", onnxInlineBytes: 0 }, images, expected: teacher },
  ];
}

interface Prepared {
  readonly cases: readonly Case[];
  readonly jobs: readonly LibraryJob[];
}

async function prepared(own: string, changes: Partial<ModelOptions>): Promise<Prepared> {
  mkdirSync(own);
  const state = await smallState(own, changes);
  const cases = casesOf(state);
  const jobs: LibraryJob[] = [];
  for (const { title, options, images } of cases) {
    const out = join(own, title);
    await exportCheckpoint({ checkpoint: state.file, heads: state.model.heads, out, ...options });
    jobs.push({ folder: out, through: "load.py", images });
  }
  return { cases, jobs };
}

/** Differences from our features, by shape and title. */
const errors = new Map<string, Readonly<Record<string, number>>>();

async function measure(): Promise<void> {
  const all = new Map<string, Prepared>();
  for (const [name, changes] of Object.entries(SHAPES))
    all.set(name, await prepared(join(folder, name), changes));
  const answers = await libraryFeatures([...all.values()].flatMap(({ jobs }) => jobs));
  for (const [name, { cases }] of all) {
    const own = answers.splice(0, cases.length);
    const entries = cases.map(({ title, expected }, place) => [title, distance(own[place]?.cls, expected)]);
    errors.set(name, Object.fromEntries(entries));
  }
}

describe.skipIf(testPython === null)(`exports in the libraries that they are for${pythonNote}`, () => {
  beforeAll(measure);

  test.each(Object.keys(SHAPES))("give our features: %s", (name) => {
    const measured = Object.entries(errors.get(name) ?? {});
    const within = measured.filter(([, error]) => error < TOLERANCE);
    expect(measured.length).toBeGreaterThan(5);
    expect(within).toEqual(measured);
  });

  test("as plain safetensors are our weights, and transformers' processor normalises as we do", async () => {
    const state = await smallState(folder);
    const export_ = async (format: "safetensors" | "huggingface") => {
      const out = join(folder, `plain-${format}`);
      await exportCheckpoint({ checkpoint: state.file, heads: 2, format, out });
      return out;
    };
    const { images } = state;
    const [plain = {}, hub = {}] = await libraryFeatures([
      { folder: await export_("safetensors"), through: "load.py", images },
      { folder: await export_("huggingface"), through: "hub", images },
    ]);
    const held = Object.entries(readTensors(state.file));
    const prefix = "teacher.backbone.backbone.";
    const backbone = held.filter(([name]) => name.startsWith(prefix));
    expect(Object.keys(plain).sort()).toEqual(backbone.map(([name]) => name.slice(prefix.length)).sort());
    for (const [name, tensor] of backbone) expect(distance(plain[name.slice(prefix.length)], tensor)).toBe(0);
    const red = (128 / 255 - 0.485) / 0.229;
    expect(hub.grey?.shape).toEqual([1, 3, 16, 16]);
    expect(hub.grey?.values[0]).toBeCloseTo(red, 5);
  });
});
