import { join } from "node:path";
import { expect, test } from "vitest";
import { openEngine } from "../../ts/native/engine.js";
import type { ModelOptions } from "../../ts/native/types.js";
import { adoptionLines, startFromWeights } from "../../ts/train/initial-weights.js";
import { AT, OPTIONS, SHAPE, smallBatch } from "../native/small-engine.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { readTensors, type Tensors } from "../safetensors-file.js";
import { distance, expectedOf, foreign } from "../weights/foreign-files.js";

/** A model that the published file of the fixtures fits as far as its size of images is the same. */
const MODEL: ModelOptions & { arch: "vit_tiny" } = {
  ...OPTIONS.model,
  arch: "vit_tiny",
  width: 12,
  depth: 1,
  heads: 3,
  mlpRatio: 4,
  srsHeads: 6,
  dropPathRate: 0,
  head: { ...OPTIONS.model.head, prototypes: 16, hiddenWidth: 10, bottleneckWidth: 6, normLastLayer: false },
};

/** The state of a fresh learner that starts from a file, and what was remarked. */
async function started(file: string, model: typeof MODEL): Promise<{ state: Tensors; remarks: string[] }> {
  const { arch: _, ...options } = model;
  await using native = await openEngine({ ...OPTIONS, model: options });
  const remarks: string[] = [];
  await startFromWeights(native, { init: foreign(file), model }, (line) => remarks.push(line));
  const state = join(temporaryFolder(), "state.safetensors");
  await native.save(state);
  return { state: readTensors(state), remarks };
}

const GRID = "backbone.backbone.pos_embed";

test("student and teacher start as the teacher of the file; optimiser and centres start anew", async () => {
  const { state, remarks } = await started("public.pth", MODEL);
  const given = Object.entries(expectedOf("public")).filter(([name]) => name.startsWith("teacher."));
  for (const [name, { values }] of given) {
    expect(state[name]?.values, name).toEqual(values);
    expect(state[name.replace("teacher", "student")]?.values, name).toEqual(values);
  }
  expect(state.centers?.values.every((value) => value === 0)).toBe(true);
  expect(remarks.join("\n")).toMatch(/init: the teacher of .*: loaded: cls_token, pos_embed/);
  expect(remarks.join("\n")).not.toContain("new");
});

test("positions are resampled to the images of the model", async () => {
  const { state, remarks } = await started("public.pth", { ...MODEL, imageSize: 24 });
  const { state: same } = await started("public.pth", MODEL);
  expect(state[`student.${GRID}`]?.shape).toEqual([1, 2 + 36, 12]);
  expect(remarks.join("\n")).toContain("resampled to the grid of this model's images: pos_embed");
  const tokens = (tensors: Tensors) => tensors[`student.${GRID}`]?.values.slice(0, 2 * 12) ?? [];
  expect(tokens(state)).toEqual(tokens(same));
});

test("what a backbone of one class token lacks stays as it was drawn", async () => {
  const { state, remarks } = await started("dino.pth", MODEL);
  const { arch: _, ...options } = MODEL;
  await using native = await openEngine({ ...OPTIONS, model: options });
  const file = join(temporaryFolder(), "fresh.safetensors");
  await native.save(file);
  const fresh = readTensors(file);
  const given = expectedOf("dino");
  const rows = (tensors: Tensors, name: string) => tensors[name]?.values ?? new Float32Array();
  const name = "teacher.backbone.backbone.cls_token";
  expect(rows(state, name).slice(0, 12)).toEqual(rows(given, name));
  expect(rows(state, name).slice(12)).toEqual(rows(fresh, name).slice(12));
  const sampling = "student.backbone.attn.qkv.weight";
  expect(rows(state, sampling)).toEqual(rows(fresh, sampling));
  const grid = rows(state, `student.${GRID}`).slice(24);
  expect(distance(grid, rows(given, `teacher.${GRID}`).slice(12))).toBe(0);
  expect(remarks.join("\n")).toContain("taken for the first class token only: cls_token, pos_embed");
  expect(remarks.join("\n")).toContain("new: sampling (8)");
});

test("a model of another shape is refused with both shapes", async () => {
  await expect(started("public.pth", { ...MODEL, width: 24 })).rejects.toThrow(
    /init: expected a model as in .*public.pth, with model.width 12 \(here 24\)/,
  );
});

test("a learner that has made a step does not start again", async () => {
  await using native = await openEngine({
    ...OPTIONS,
    model: { ...OPTIONS.model, imageSize: SHAPE.globalSize },
  });
  await native.stepUdi(smallBatch(), AT);
  await expect(native.startFrom(foreign("public.pth"), "teacher")).rejects.toThrow(
    "no step to have been made",
  );
});

test("parameters are told by their part and fate", () => {
  const lines = adoptionLines([
    { name: "backbone.backbone.cls_token", fate: "loaded" },
    { name: "backbone.backbone.blocks.0.norm1.weight", fate: "loaded" },
    { name: "backbone.backbone.blocks.0.norm1.bias", fate: "loaded" },
    { name: "head.0.mlp.0.weight", fate: "fresh" },
  ]);
  expect(lines).toEqual(["loaded: cls_token, blocks (2)", "missing or of another shape, so new: head"]);
});
