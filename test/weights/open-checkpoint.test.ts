import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RunError } from "../../ts/errors.js";
import { importCheckpoint } from "../../ts/weights/import-checkpoint.js";
import { chooseNetwork, openCheckpoint } from "../../ts/weights/open-checkpoint.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { foreign } from "./foreign-files.js";

const MODEL = { width: 12, depth: 1, heads: 3, mlpRatio: 4, patchSize: 4, imageSize: 16 };

test("a foreign training checkpoint has both networks, its model and its arguments", async () => {
  for (const name of ["public.pth", "public_legacy.pth"]) {
    const source = await openCheckpoint(foreign(name));
    expect(source).toMatchObject({
      kind: "training",
      file: foreign(name),
      record: null,
      networks: ["student", "teacher"],
      model: { ...MODEL, classTokens: 2, includePatch: true, head: { prototypes: 16, batchNorm: false } },
      facts: { naming: "udi", epoch: 7, steps: 2, optimizer: "adamw", centers: true },
    });
    expect(source.facts.arguments).toMatchObject({ momentum_teacher: 0.99, epochs: 9, use_fp16: true });
  }
});

test("heads that no file tells are a guess that stands in the remarks, unless they are given", async () => {
  const guessed = await openCheckpoint(foreign("storages.pth"));
  expect(guessed.model).toMatchObject({ heads: 1, headsGuessed: true });
  expect(guessed.remarks.join()).toContain("model.heads: the file does not say it");
  const given = await openCheckpoint(foreign("storages.pth"), { heads: 4 });
  expect(given.model).toMatchObject({ heads: 4, headsGuessed: false });
  expect(given.remarks.join()).not.toContain("model.heads");
  await expect(openCheckpoint(foreign("storages.pth"), { heads: 5 })).rejects.toThrow(
    "heads: expected a divisor of the width 12, received 5",
  );
});

test("a run, its checkpoint, its state and the state alone are the same weights", async () => {
  const run = join(temporaryFolder(), "run");
  const { checkpoint } = await importCheckpoint({ file: foreign("public.pth"), out: run });
  const state = join(checkpoint, "state.safetensors");
  const alone = join(temporaryFolder(), "weights.safetensors");
  cpSync(state, alone);
  const sources = [];
  for (const path of [run, checkpoint, state, alone]) sources.push(await openCheckpoint(path));
  expect(sources.map(({ kind }) => kind)).toEqual(["run", "checkpoint", "state", "state"]);
  expect(sources.map(({ file }) => file)).toEqual([state, state, state, alone]);
  expect(sources.map(({ record }) => record?.step)).toEqual([2, 2, 2, undefined]);
  for (const { model } of sources.slice(0, 3)) expect(model).toMatchObject({ ...MODEL, headsGuessed: false });
});

test("the teacher is taken where there is one, and what is not there is refused", async () => {
  const [both, one] = [
    await openCheckpoint(foreign("public.pth")),
    await openCheckpoint(foreign("storages.pth")),
  ];
  expect([chooseNetwork(both), chooseNetwork(both, "student"), chooseNetwork(one)]).toEqual([
    "teacher",
    "student",
    "backbone",
  ]);
  expect(() => chooseNetwork(one, "student")).toThrow(/network: expected backbone, .* received student/);
});

test("what is no checkpoint is refused with the way out", async () => {
  const folder = temporaryFolder();
  const damaged = join(folder, "damaged");
  mkdirSync(damaged);
  writeFileSync(join(damaged, "checkpoint.json"), "{}");
  const picture = join(folder, "picture.pth");
  writeFileSync(picture, "\x89PNG\r\n\x1a\n");
  const cases: [string, string][] = [
    [join(folder, "none"), "expected a file or a folder, found none"],
    [folder, "expected a run or a checkpoint, found neither"],
    [damaged, "expected a whole one, found it damaged"],
    [picture, "expected a file of torch.save or safetensors"],
  ];
  for (const [path, told] of cases) {
    const error = await openCheckpoint(path).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RunError);
    expect((error as RunError).message).toContain(told);
  }
});
