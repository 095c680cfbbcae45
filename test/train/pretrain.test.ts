import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import {
  type Config,
  DataError,
  loadConfig,
  NonFiniteLossError,
  type StepRecord,
  type TrainStart,
  train,
} from "../../ts/index.js";
import type { SkippedRecord } from "../../ts/run/records.js";
import { damagePhotos, sharedFolder, writePhotos, writeTinyConfig } from "../end-to-end/photos.js";
import { checkpoints, computed, jsonLines, metrics, stateAt } from "../end-to-end/run-files.js";

const folder = sharedFolder();
const photos = join(folder, "photos");

beforeAll(() => writePhotos(photos, 48));

function tinyConfig(name: string, ...set: string[]): Config {
  return loadConfig({ file: writeTinyConfig(folder), data: photos, out: join(folder, name), set });
}

/** Numbers of the steps in a run's log. */
function logged(run: string): number[] {
  return metrics(run).map(({ step }) => step);
}

function firstSteps(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

test("a program is told of the start, of every step and of the end", async () => {
  const starts: TrainStart[] = [];
  const steps: StepRecord[] = [];
  const result = await train(tinyConfig("whole"), {
    onStart: (start) => starts.push(start),
    onStep: (record) => steps.push(record),
  });
  expect(starts).toEqual([expect.objectContaining({ images: 48, stepsPerEpoch: 6, step: 0 })]);
  expect(steps.map(({ step }) => step)).toEqual(firstSteps(36));
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

test.each([1, 2, 5, 6, 20, 34, 35])(
  "aborted while step %i is told, a run has all it made in its log and its checkpoint, and goes on",
  async (told) => {
    const config = tinyConfig(`aborted-${told}`);
    const stop = new AbortController();
    const steps: number[] = [];
    const onStep = ({ step }: StepRecord) => {
      steps.push(step);
      if (step === told) stop.abort();
    };
    const first = await train(config, { signal: stop.signal, onStep });
    expect([told, told + 1]).toContain(first.step);
    expect(checkpoints(first.folder).at(-1)).toBe(first.step);
    expect(logged(first.folder)).toEqual(firstSteps(first.step));
    expect(steps).toEqual(firstSteps(first.step));
    expect(first.last).toMatchObject({ step: first.step });
    await train(config, { mode: "resume" });
    expect(computed(first.folder)).toEqual(computed(join(folder, "whole")));
  },
);

test.each([3, 12])(
  "where telling of step %i fails, the step underway is saved with its line",
  async (told) => {
    const config = tinyConfig(`broken-${told}`);
    const broken = new Error("of the program");
    const steps: number[] = [];
    const onStep = ({ step }: StepRecord) => {
      steps.push(step);
      if (step === told) throw broken;
    };
    await expect(train(config, { onStep })).rejects.toBe(broken);
    const made = checkpoints(config.output).at(-1) as number;
    expect([told, told + 1]).toContain(made);
    expect(logged(config.output)).toEqual(firstSteps(made));
    expect(steps).toEqual(firstSteps(told));
    await train(config, { mode: "resume" });
    expect(computed(config.output)).toEqual(computed(join(folder, "whole")));
  },
);

test("a checkpoint holds the same state, however many steps were given one ahead before it", async () => {
  const run = async (name: string, key: string) => {
    const { folder } = await train(tinyConfig(name, "training.epochs=3", `checkpoint.${key}`));
    return folder;
  };
  const each = await run("each", "everySteps=1");
  const some = await run("some", "everySteps=4");
  const timed = await run("timed", "everyMinutes=0.0005");
  expect(checkpoints(each)).toEqual(firstSteps(18));
  expect(checkpoints(some)).toEqual([4, 6, 8, 12, 16, 18]);
  for (const other of [some, timed]) {
    for (const step of checkpoints(other)) expect(stateAt(other, step)).toBe(stateAt(each, step));
    expect(computed(other)).toEqual(computed(each));
  }
});

test("the step with which too many images are skipped is the last one made, and is saved", async () => {
  const data = join(folder, "damaged");
  await writePhotos(data, 48);
  damagePhotos(data, [1, 2, 3, 4]);
  const config = tinyConfig("skipping", "data.maxSkippedShare=0.08");
  await expect(train({ ...config, data: { ...config.data, path: data } })).rejects.toThrow(DataError);
  const made = logged(config.output).length;
  const skips = jsonLines<SkippedRecord>(join(config.output, "skipped.jsonl"));
  const shareAfter = (count: number) => {
    const skipped = skips.filter(({ step }) => step <= count).length;
    return skipped / (8 * count + skipped);
  };
  expect(made % 6).not.toBe(0); // within an epoch, where steps are given ahead
  expect(shareAfter(made)).toBeGreaterThan(0.08);
  expect(shareAfter(made - 1)).toBeLessThanOrEqual(0.08);
  expect(checkpoints(config.output).at(-1)).toBe(made);
});

test("a step begun behind one whose loss is not finite is neither recorded nor saved", async () => {
  const wild = ["schedule.learningRate=1e30", "schedule.warmupEpochs=0", "schedule.freezeLastLayerEpochs=0"];
  const config = tinyConfig("wild", ...wild);
  const steps: number[] = [];
  const running = train(config, { onStep: ({ step }) => steps.push(step) });
  const error = await running.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(NonFiniteLossError);
  const failed = Number(/step (\d+)/.exec((error as Error).message)?.[1]);
  expect(steps).toEqual(firstSteps(failed - 1));
  expect(logged(config.output)).toEqual(firstSteps(failed - 1));
  expect(checkpoints(config.output)).toEqual(failed > 6 ? [6] : []);
});
