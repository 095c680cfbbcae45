import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { type Config, loadConfig, type StepRecord, type TrainStart, train } from "../../ts/index.js";
import { sharedFolder, writePhotos, writeTinyConfig } from "../end-to-end/photos.js";
import { checkpoints, computed } from "../end-to-end/run-files.js";

const folder = sharedFolder();
const photos = join(folder, "photos");

beforeAll(() => writePhotos(photos, 48));

function tinyConfig(name: string): Config {
  return loadConfig({ file: writeTinyConfig(folder), data: photos, out: join(folder, name) });
}

test("a program is told of the start, of every step and of the end", async () => {
  const starts: TrainStart[] = [];
  const steps: StepRecord[] = [];
  const result = await train(tinyConfig("whole"), {
    onStart: (start) => starts.push(start),
    onStep: (record) => steps.push(record),
  });
  expect(starts).toEqual([expect.objectContaining({ images: 48, stepsPerEpoch: 6, step: 0 })]);
  expect(steps.map(({ step }) => step)).toEqual(Array.from({ length: 36 }, (_, index) => index + 1));
  expect(result).toEqual({
    outcome: "finished",
    folder: join(folder, "whole"),
    step: 36,
    last: steps.at(-1),
    checkpoint: join(folder, "whole", "checkpoints", "36"),
    evaluations: [],
    watch: result.watch,
  });
});

test("an aborted run finishes its step, resolves as interrupted, and goes on in the same process", async () => {
  const config = tinyConfig("aborted");
  const stop = new AbortController();
  const onStep = ({ step }: StepRecord) => step === 18 && stop.abort();
  const first = await train(config, { signal: stop.signal, onStep });
  expect(first).toMatchObject({ outcome: "interrupted", step: 18, last: { step: 18 } });
  expect(checkpoints(first.folder)).toEqual([6, 12, 18]);
  const second = await train(config, { mode: "resume" });
  expect(second).toMatchObject({ outcome: "finished", step: 36 });
  expect(computed(second.folder)).toEqual(computed(join(folder, "whole")));
});

test("an error that a callback throws ends the run as it is", async () => {
  const broken = new Error("of the program");
  const running = train(tinyConfig("broken"), {
    onStep: () => {
      throw broken;
    },
  });
  await expect(running).rejects.toBe(broken);
});
