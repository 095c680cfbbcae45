import { dirname, join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { builtInNames } from "../../ts/config/built-in.js";
import { loadConfig } from "../../ts/config/load.js";
import { configFile, configFolder, loadError } from "./config-folder.js";

test("every built-in configuration loads, given the data that it needs", () => {
  expect(builtInNames()).toEqual([
    "defaults",
    "pretrain/vit-small-16-100ep",
    "pretrain/vit-small-16-300ep",
    "quickstart",
  ]);
  for (const file of builtInNames()) expect(loadConfig({ file, data: "images" }).data.path).toBe("images");
});

test("without a file it is the quickstart", () => {
  expect(loadConfig({})).toEqual(loadConfig({ file: "quickstart" }));
});

test("a file holds only what differs from the defaults", () => {
  const { training, schedule } = loadConfig({ file: configFile("training:\n  epochs: 77\n") });
  expect(training).toEqual({ epochs: 77, batchSize: 128 });
  expect(schedule).toEqual(loadConfig({ file: "defaults" }).schedule);
});

test("an empty file is the defaults", () => {
  expect(loadConfig({ file: configFile("") })).toEqual(loadConfig({ file: "defaults" }));
});

test("extends is relative to its file, or the name of a built-in", () => {
  const folder = configFolder({
    "base.yaml": "extends: quickstart\nseed: 5\noutput: below\n",
    "runs/mine.yaml": "extends: ../base.yaml\noutput: mine\n",
  });
  const config = loadConfig({ file: join(folder, "runs", "mine.yaml") });
  expect(config).toEqual({ ...loadConfig({}), seed: 5, output: "mine" });
});

test("--set goes before the file, a later --set before an earlier one, --data and --out before all", () => {
  const config = loadConfig({
    file: configFile("seed: 1\noutput: a\n"),
    set: ["seed=2", "seed=3", "output=b", "data.path=c", "crops.localScale=[0.1, 0.2]", "device=cuda:1"],
    data: "d",
    out: "e",
  });
  expect(config).toMatchObject({ seed: 3, output: "e", data: { path: "d" }, device: "cuda:1" });
  expect(config.crops.localScale).toEqual([0.1, 0.2]);
});

test("--set of a section keeps its other keys", () => {
  const { training } = loadConfig({ file: "defaults", set: ["training={epochs: 50}"] });
  expect(training).toEqual({ epochs: 50, batchSize: 128 });
});

test("a value set by its dotted key is the value read back", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0 }), fc.double({ min: 0, max: 1, noNaN: true }), (seed, alpha) => {
      const config = loadConfig({ set: [`seed=${seed}`, `objective.alpha=${alpha}`] });
      expect(config.seed).toBe(seed);
      expect(config.objective.alpha).toBe(alpha);
    }),
    { numRuns: 30 },
  );
});

test("a wrong range names key, expectation, value and place", () => {
  const file = configFile("crops:\n  localScale: [0.4, 0.05]\n");
  expect(loadError({ file }).message).toBe(
    `crops.localScale: expected two numbers in (0, 1], smaller first, received [0.4,0.05] (${file}:2:3)`,
  );
});

test.each([
  ["seed=-1", "seed: expected a whole number in [0, 9007199254740991], received -1"],
  ["seed=1.5", "seed: expected a whole number in [0, 9007199254740991], received 1.5"],
  ["training.epochs=ten", 'training.epochs: expected a whole number of at least 1, received "ten"'],
  ["training.epochs=", "training.epochs: expected a whole number of at least 1, received null"],
  ["objective.alpha=.nan", "objective.alpha: expected a number in [0, 1], received NaN"],
  ["schedule.learningRate=.inf", "schedule.learningRate: expected a number above 0, received Infinity"],
  ["model.dropPathRate=1", "model.dropPathRate: expected a number in [0, 1), received 1"],
  ["model.includePatch=yes", 'model.includePatch: expected true or false, received "yes"'],
  ["model.classTokens=3", 'model.classTokens: expected "auto" or 1 or 2, received 3'],
  ["model.arch=resnet", 'expected one of vit_tiny, vit_small, vit_base, vit_large, received "resnet"'],
  ["device=gpu", 'expected "auto" or one of cpu, cuda, or a device by number like "cuda:1", received "gpu"'],
  ["device=cuda:-1", 'like "cuda:1", received "cuda:-1"'],
  ["device=cuda:x", 'like "cuda:1", received "cuda:x"'],
  ["crops.globalScale=[0.5]", "expected two numbers in (0, 1], smaller first, received [0.5]"],
  ["crops.photometric.blurRadius=[0, 2]", "expected two numbers above 0, smaller first, received [0,2]"],
  ["evaluate.knn.neighbours=[]", "expected a list, not empty, of: a whole number of at least 1, received []"],
  ["evaluate.knn.neighbours=[5, 0]", "of: a whole number of at least 1, received [5,0]"],
  [
    "data.path=3",
    "data.path: expected null or a folder of images, a list of files (.txt, .csv, .tsv) or tar shards, received 3",
  ],
  ["data.mix=[]", "data.mix: expected null or a list, not empty, of: { path: TEXT, kind: auto, weight:"],
  ["data.mix=[{path: a, weight: 0}]", "weight: NUMBER above 0 }, received "],
  ["data.mix=[{weight: 1}]", "data.mix: expected null or a list, not empty, of: { path: TEXT"],
  ["model=3", "model: expected a map with the keys arch, width, depth, "],
  ["seed.x=3", 'seed: expected a whole number in [0, 9007199254740991], received {"x":3}'],
])("--set %s is refused", (assignment, message) => {
  const error = loadError({ set: [assignment] });
  expect(error.message).toContain(message);
  expect(error.message).toContain(`(--set ${assignment.split("=")[0]})`);
  expect(error.message.split("\n")).toHaveLength(1);
  expect(error.exitCode).toBe(2);
});

test.each([
  ["epochs=3", "epochs: unknown key; the nearest known one is training.epochs"],
  ["crops.localscale=3", "crops.localscale: unknown key; the nearest known one is crops.localScale"],
  ["crop.localScale=3", "crop: unknown key; the nearest known one is crops"],
  ["sede=3", "sede: unknown key; the nearest known one is seed"],
  ["out_dim=3", "out_dim: unknown key; the nearest known one is model.head.prototypes"],
  ["lr=3", "lr: unknown key; the nearest known one is schedule.learningRate"],
  ["somethingElseAltogether=3", "somethingElseAltogether: unknown key"],
  ["toString=3", "toString: unknown key"],
  ["__proto__.seed=3", "__proto__: unknown key"],
  ["extends=quickstart", "extends: unknown key"],
  [
    "data.mix=[{path: a}, {path: b, wieght: 2}]",
    "data.mix.1.wieght: unknown key; known are path, kind, weight",
  ],
])("--set %s is an unknown key, with the nearest one", (assignment, message) => {
  expect(loadError({ set: [assignment] }).message).toContain(message);
});

test("all problems of a configuration stand in one error, each with its own place", () => {
  const file = configFile("seed: x\ncrops:\n  localScal: [0, 1]\n  globalScale: 3\n");
  expect(loadError({ file, set: ["model.heads=0"] }).message.split("\n")).toEqual([
    "4 problems in the configuration",
    `  crops.localScal: unknown key; the nearest known one is crops.localScale (${file}:3:3)`,
    `  seed: expected a whole number in [0, 9007199254740991], received "x" (${file}:1:1)`,
    '  model.heads: expected "auto" or a whole number of at least 1, received 0 (--set model.heads)',
    `  crops.globalScale: expected two numbers in (0, 1], smaller first, received 3 (${file}:4:3)`,
  ]);
});

test("keys with dots in a file are told to be nested", () => {
  expect(loadError({ file: configFile("training.epochs: 3\n") }).message).toContain(
    "training.epochs: unknown key: dots are for --set; in a file, sections are nested maps",
  );
});

test.each([
  ["seed: 1\nseed: 2\n", "seed: expected once in its section, received again", ":2:1)"],
  ["a: [1, 2\n", "not valid YAML", ":2:1)"],
  ["seed: !thing 3\n", "Unresolved tag: !thing", ":1:7)"],
  ["- seed\n", "expected keys and values, received a file that is not a map", ""],
  ["extends: [a]\n", 'expected a path or the name of a built-in, received ["a"]', ":1:1)"],
  ["extends: nowhere.yaml\n", 'received "nowhere.yaml"', ":1:1)"],
])("a file that cannot be read as keys and values is one error: %j", (text, message, place) => {
  const error = loadError({ file: configFile(text) });
  expect(error.message).toContain(message);
  expect(error.message).toContain("my.yaml");
  expect(error.message).toContain(place);
});

test("a circle of extends is an error that shows it", () => {
  const folder = configFolder({ "a.yaml": "extends: b.yaml\n", "b.yaml": "extends: a.yaml\n" });
  const [a, b] = [join(folder, "a.yaml"), join(folder, "b.yaml")];
  expect(loadError({ file: a }).message).toBe(
    `extends: expected an end, received a circle: ${a} -> ${b} -> ${a}`,
  );
});

test("a file that is missing or a folder is an error with a way out", () => {
  expect(loadError({ file: "quikstart" })).toMatchObject({
    message: 'config: expected a file or a built-in configuration, received "quikstart"',
    hint: "did you mean quickstart?",
  });
  expect(loadError({ file: dirname(configFile("")) }).hint).toContain("built-in configurations: defaults,");
});

test("--set without a value is an error that shows how", () => {
  const error = loadError({ set: ["seed"] });
  expect(error.message).toBe('--set: expected key=value, received "seed"');
  expect(error.hint).toContain("--set training.epochs=10");
  expect(loadError({ set: ["seed=[1"] }).message).toContain("--set seed: not a YAML value");
});

test("aliases that unfold into very many values are refused", () => {
  const names = ["a", "b", "c", "d", "e", "f"];
  const lines = names.map((name, index) => {
    const above = names[index - 1];
    return `${name}: &${name} [${above === undefined ? "1" : Array(9).fill(`*${above}`).join(", ")}]`;
  });
  expect(loadError({ file: configFile(lines.join("\n")) }).message).toContain("alias");
});

test("a part of a mixture is read as what is found, and weighs 1, unless it says otherwise", () => {
  const { data } = loadConfig({ set: ["data.mix=[{path: a}, {path: b, kind: list, weight: 2.5}]"] });
  expect(data.mix).toEqual([
    { path: "a", kind: "auto", weight: 1 },
    { path: "b", kind: "list", weight: 2.5 },
  ]);
});
