import { join } from "node:path";
import { expect, test } from "vitest";
import { inspectionText } from "../../ts/cli/inspect-text.js";
import { importCheckpoint } from "../../ts/weights/import-checkpoint.js";
import { inspectCheckpoint } from "../../ts/weights/inspect.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { readTensors, writeTensors } from "../safetensors-file.js";
import { expectedOf, foreign } from "./foreign-files.js";

test("parameters and norms by part are those of the tensors", async () => {
  const { networks, step, epoch, optimizer, data } = await inspectCheckpoint(foreign("public.pth"));
  expect({ step, epoch, optimizer }).toEqual({ step: 2, epoch: 7, optimizer: "adamw" });
  expect(data).toEqual({ path: "/somewhere/else", images: null });
  const tensors = Object.entries(expectedOf("public"));
  for (const { network, parts, parameters, notFinite } of networks) {
    const own = tensors.filter(([name]) => name.startsWith(`${network}.`));
    expect(parameters).toBe(own.reduce((sum, [, { values }]) => sum + values.length, 0));
    expect(notFinite).toBe(0);
    const head = own.filter(([name]) => name.startsWith(`${network}.head.`));
    const squares = head.flatMap(([, { values }]) => [...values].map((value) => value ** 2));
    const norm = Math.sqrt(squares.reduce((sum, square) => sum + square, 0));
    expect(parts.find(({ part }) => part === "head")?.norm).toBeCloseTo(norm, 6);
  }
});

test("values that are no numbers are counted, and stand in the text", async () => {
  const file = join(temporaryFolder(), "backbone.safetensors");
  const { networks: before } = await inspectCheckpoint(foreign("timm.safetensors"));
  const tensors = readTensors(foreign("timm.safetensors"));
  tensors["norm.weight"]?.values.set([Number.NaN, Number.POSITIVE_INFINITY, Number.NaN]);
  writeTensors(file, tensors);
  const inspection = await inspectCheckpoint(file);
  const [part] = inspection.networks[0]?.parts ?? [];
  expect(part).toMatchObject({ part: "backbone", nan: 2, infinite: 1 });
  expect(part?.norm).toBeLessThan(before[0]?.parts[0]?.norm as number);
  expect(inspectionText(inspection)).toContain("3 not finite");
});

test("a run tells its settings, its origin and its files", async () => {
  const out = join(temporaryFolder(), "run");
  await importCheckpoint({ file: foreign("public.pth"), out });
  const inspection = await inspectCheckpoint(out);
  expect(inspection).toMatchObject({
    kind: "run",
    step: 2,
    epoch: 7,
    batchInEpoch: 0,
    data: null,
    settings: { "training.batchSize": 4 },
    origin: `imported from ${foreign("public.pth")}`,
  });
  const text = inspectionText(inspection);
  for (const told of ["epoch 7, step 2", "state.safetensors", "sampling", "batchSize 4", "heads 3"]) {
    expect(text).toContain(told);
  }
});
