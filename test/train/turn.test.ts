import { expect, test } from "vitest";
import { DataError, NativeError, NonFiniteLossError } from "../../ts/errors.js";
import {
  advanced,
  saveWorthKeeping,
  skippedRecords,
  stepRecord,
  type Turn,
  withWayBack,
} from "../../ts/train/turn.js";
import { progressAt } from "../run/example-run.js";

const views = {
  shape: { images: 8, globalSize: 32, localCrops: 2, localSize: 16 },
  bytes: 0,
  seconds: { resize: 0, photometric: 0 },
  pixels: () => ({ globalViews: new Uint8Array(), localViews: new Uint8Array() }),
};

/** The turn of step 6, the last of the second epoch of three steps. */
const turn: Turn = {
  batch: {
    epoch: 1,
    index: 2,
    views: { ...views, [Symbol.dispose]: () => {} },
    seconds: { read: 1, decode: 2, recipe: 3, render: 4 },
    skipped: [{ file: "/data/a.png", reason: "empty", epoch: 1, sample: 4 }],
  },
  at: {
    learningRate: 1e-3,
    weightDecay: 0.04,
    momentum: 0.99,
    teacherTemperature: 0.05,
    freezeLastLayer: false,
  },
  report: {
    step: 6,
    loss: 5,
    levels: { cls: 5 },
    terms: { globalCls: 5 },
    gradientNorm: 2,
    skipped: false,
    lossScale: 1,
    seconds: 0.3,
    phases: {},
  },
  waitSeconds: 0.1,
};

test("a step's record holds what the step measured and where its schedules stood", () => {
  expect(stepRecord(turn)).toEqual({
    step: 6,
    epoch: 2,
    loss: 5,
    levels: { cls: 5 },
    terms: { globalCls: 5 },
    gradientNorm: 2,
    learningRate: 1e-3,
    weightDecay: 0.04,
    momentum: 0.99,
    teacherTemperature: 0.05,
    lossScale: 1,
    overflowed: false,
    seconds: 0.3,
    dataWaitSeconds: 0.1,
    dataSeconds: { read: 1, decode: 2, recipe: 3, render: 4 },
    imagesPerSecond: 20,
  });
});

test("skipped files are listed under the step that they were meant for", () => {
  expect(skippedRecords(turn)).toEqual([{ step: 6, epoch: 2, file: "/data/a.png", reason: "empty" }]);
});

test("the run stands before the next epoch, with the images of the batch and its replacements counted", () => {
  expect(advanced(progressAt(5), turn.batch, 3)).toEqual({
    step: 6,
    position: { epoch: 2, index: 0 },
    samples: { seen: 5 * 64 + 8 + 1, skipped: 1 },
  });
});

test("a loss that is not finite names the last good checkpoint and keeps its cause", () => {
  const cause = new NonFiniteLossError("step 7: globalCls is NaN");
  const error = withWayBack(cause, "/runs/a/checkpoints/6");
  expect(error).toBeInstanceOf(NonFiniteLossError);
  expect(error).toMatchObject({
    message: "step 7: globalCls is NaN; last good checkpoint: /runs/a/checkpoints/6",
    cause,
  });
  expect(withWayBack(cause, null)).toMatchObject({
    message: "step 7: globalCls is NaN; last good checkpoint: none yet",
  });
});

test("any other error passes as it is", () => {
  const error = new NativeError("out of memory");
  expect(withWayBack(error, null)).toBe(error);
});

test.each([
  ["damaged images", new DataError("too many"), 1],
  ["an error of the program", new Error("its own"), 1],
  ["a loss that diverged", new NonFiniteLossError("NaN"), 0],
  ["a failure of the engine", new NativeError("out of memory"), 0],
])("after %s the steps made are saved only where they are worth it", async (_, error, saves) => {
  let made = 0;
  await saveWorthKeeping(error, async () => {
    made += 1;
  });
  expect(made).toBe(saves);
  await saveWorthKeeping(error, () => Promise.reject(new Error("the disk is full")));
});
