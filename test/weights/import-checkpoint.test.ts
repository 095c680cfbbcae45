import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../ts/config/load.js";
import { openEngine } from "../../ts/native/engine.js";
import { verifyCheckpoint } from "../../ts/run/checkpoint-record.js";
import { importCheckpoint } from "../../ts/weights/import-checkpoint.js";
import { openCheckpoint } from "../../ts/weights/open-checkpoint.js";
import { OPTIONS } from "../native/small-engine.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { readTensors } from "../safetensors-file.js";
import { distance, expectedOf, foreign } from "./foreign-files.js";

function target(): string {
  return join(temporaryFolder(), "imported");
}

test("a public training checkpoint becomes a whole run with its settings", async () => {
  const out = target();
  const imported = await importCheckpoint({ file: foreign("public.pth"), out, data: "/photos" });
  expect(imported).toMatchObject({ kind: "run", folder: out, position: { step: 2, epoch: 7 } });
  expect(await verifyCheckpoint(imported.checkpoint)).toMatchObject({
    step: 2,
    position: { epoch: 7, index: 0 },
    dataset: null,
    origin: `imported from ${foreign("public.pth")}`,
    config: { "model.width": 12, "training.epochs": 9 },
  });
  const config = loadConfig({ file: join(out, "config.yaml") });
  expect(config).toMatchObject({
    output: out,
    data: { path: "/photos" },
    precision: "auto",
    model: { width: 12, heads: 3, srsHeads: 6, patchSize: 4, head: { prototypes: 16, normLastLayer: false } },
    optimizer: { name: "adamw", clipGradient: 0.5 },
    crops: { globalSize: 16, globalScale: [0.3, 1], localSize: 8, localCrops: 2, localWindow: 1 },
    training: { epochs: 9, batchSize: 4 },
    schedule: { teacherMomentum: 0.99, warmupEpochs: 1, warmupTeacherTemperatureEpochs: 2 },
  });
  expect(imported.remarks.join()).toContain("training.batchSize is 4, that of one device");
});

test("settings given with --set go before those of the file; those of the weights stay", async () => {
  const file = foreign("public.pth");
  const out = target();
  await importCheckpoint({ file, out, set: ["training.batchSize=16", "training.epochs=12"] });
  expect(loadConfig({ file: join(out, "config.yaml") }).training).toEqual({ epochs: 12, batchSize: 16 });
  const other = target();
  await expect(importCheckpoint({ file, out: other, set: ["model.depth=2"] })).rejects.toThrow(
    /model.depth: expected 1 as in .*public.pth, received 2/,
  );
  expect(() => readdirSync(other)).toThrow("ENOENT");
});

test("the engine goes on with an imported state: its features are those of the reference's model", async () => {
  const { images, features } = expectedOf("public");
  const imported = await importCheckpoint({ file: foreign("public.pth"), out: target() });
  const { headsGuessed: _, ...model } = imported.source.model;
  const head = { ...OPTIONS.model.head, ...model.head, normLastLayer: false };
  await using native = await openEngine({
    ...OPTIONS,
    model: { ...OPTIONS.model, ...model, head, dropPathRate: 0 },
  });
  await native.load(join(imported.checkpoint, "state.safetensors"));
  const pixels = images?.values as Float32Array;
  const received = await native.embed({ images: 2, size: 16, pixels });
  expect(distance(received, features?.values as Float32Array)).toBeLessThan(1e-5);
});

test("a run at its end, and another optimiser than that of the state, are remarked", async () => {
  const set = ["training.epochs=7", "optimizer.name=sgd"];
  const { remarks, checkpoint } = await importCheckpoint({ file: foreign("public.pth"), out: target(), set });
  expect(remarks.join("\n")).toContain("the run is at its end, epoch 7 of 7");
  expect(remarks.join("\n")).toContain("state is of adamw, the run goes on with sgd: its moments start anew");
  const names = Object.keys(readTensors(join(checkpoint, "state.safetensors")));
  expect(names.filter((name) => name.startsWith("optimizer.second."))).toEqual([]);
});

test("the batch is that of all devices, and frozen norms stay frozen", async () => {
  const imported = await importCheckpoint({ file: foreign("parametrized.pth"), out: target() });
  const config = loadConfig({ file: join(imported.folder, "config.yaml") });
  expect(config).toMatchObject({ training: { batchSize: 8 }, model: { head: { normLastLayer: true } } });
  expect(imported.remarks.join()).not.toContain("training.batchSize");
});

test("a training checkpoint of DINO becomes a run without patches", async () => {
  const imported = await importCheckpoint({ file: foreign("dino.pth"), out: target() });
  expect(imported.kind).toBe("run");
  const config = loadConfig({ file: join(imported.folder, "config.yaml") });
  expect(config.model).toMatchObject({ includePatch: false, classTokens: 1 });
});

test("a backbone on its own becomes one file that is opened like every checkpoint", async () => {
  const imported = await importCheckpoint({ file: foreign("timm.safetensors"), out: target(), heads: 3 });
  expect(imported).toMatchObject({ kind: "backbone", position: null });
  const expected = expectedOf("timm");
  const held = readTensors(imported.checkpoint);
  for (const [name, { values }] of Object.entries(held)) {
    expect(values, name).toEqual(expected[`backbone.backbone.backbone.${name}`]?.values);
  }
  for (const path of [imported.folder, imported.checkpoint]) {
    const source = await openCheckpoint(path);
    expect(source).toMatchObject({ kind: "backbone", model: { heads: 3, headsGuessed: false } });
  }
});

test("a folder that holds a run, and a checkpoint of ours, are refused", async () => {
  const out = target();
  const { checkpoint } = await importCheckpoint({ file: foreign("public.pth"), out });
  const again = importCheckpoint({ file: foreign("public.pth"), out });
  await expect(again).rejects.toThrow(/out: expected a folder without a run, .* holds config.yaml/);
  const own = importCheckpoint({ file: join(checkpoint, "state.safetensors"), out: target() });
  await expect(own).rejects.toThrow("expected a checkpoint of another program, received one of ours");
});

test("an import that fails leaves nothing in the way of the next one", async () => {
  const out = target();
  const damaged = join(temporaryFolder(), "damaged.pth");
  writeFileSync(damaged, "PK\x03\x04 nothing more");
  await expect(importCheckpoint({ file: damaged, out })).rejects.toThrow(
    "archive: expected a whole zip file",
  );
  await importCheckpoint({ file: foreign("public.pth"), out });
});
