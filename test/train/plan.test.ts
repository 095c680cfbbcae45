import fc from "fast-check";
import { expect, test } from "vitest";
import {
  checkpointIsDue,
  evaluationIsDue,
  following,
  isEpochEnd,
  picturesAreDue,
  watchIsDue,
} from "../../ts/train/plan.js";
import type { Position } from "../../ts/views/planned-batches.js";
import { exampleConfig } from "../run/example-run.js";

const STEPS_PER_EPOCH = 3;

/** Every place of a run of `epochs` epochs: steps made, and the batch that comes next. */
function places(epochs: number): { step: number; position: Position }[] {
  const found = [{ step: 0, position: { epoch: 0, index: 0 } }];
  while (found.length <= epochs * STEPS_PER_EPOCH) {
    const { step, position } = found[found.length - 1] as (typeof found)[number];
    found.push({ step: step + 1, position: following(position, STEPS_PER_EPOCH) });
  }
  return found;
}

function config(epochs: number, ...set: string[]) {
  const short = ["schedule.warmupEpochs=0", "schedule.warmupTeacherTemperatureEpochs=0"];
  return exampleConfig("/runs/a", `training.epochs=${epochs}`, ...short, ...set);
}

function checkpoints(epochs: number, ...set: string[]): number[] {
  return timedCheckpoints(epochs, 0, ...set);
}

/** Where each step takes so many minutes. */
function timedCheckpoints(epochs: number, minutesPerStep: number, ...set: string[]): number[] {
  const settled = config(epochs, ...set.map((key) => `checkpoint.${key}`));
  const made: number[] = [];
  for (const place of places(epochs).slice(1)) {
    const minutes = (place.step - (made.at(-1) ?? 0)) * minutesPerStep;
    if (checkpointIsDue(settled, place, minutes)) made.push(place.step);
  }
  return made;
}

function evaluations(epochs: number, everyEpochs: number | null): number[] {
  const settled = config(epochs, `evaluate.knn.everyEpochs=${everyEpochs}`);
  return places(epochs)
    .filter((place) => evaluationIsDue(settled, place))
    .map(({ step }) => step);
}

test("the batches that follow one another are all batches of all epochs in order", () => {
  const property = fc.property(
    fc.integer({ min: 1, max: 9 }),
    fc.integer({ min: 0, max: 60 }),
    (perEpoch, count) => {
      let position: Position = { epoch: 0, index: 0 };
      for (let made = 0; made < count; made++) position = following(position, perEpoch);
      expect(position).toEqual({ epoch: Math.floor(count / perEpoch), index: count % perEpoch });
    },
  );
  fc.assert(property);
});

test("checkpoints are due at the end of every epoch, or of every so many", () => {
  expect(checkpoints(4, "everyEpochs=1")).toEqual([3, 6, 9, 12]);
  expect(checkpoints(4, "everyEpochs=2")).toEqual([6, 12]);
});

test("the last step always has a checkpoint", () => {
  expect(checkpoints(5, "everyEpochs=2")).toEqual([6, 12, 15]);
  expect(checkpoints(2, "everyEpochs=100")).toEqual([6]);
});

test("checkpoints within an epoch come on top", () => {
  expect(checkpoints(2, "everyEpochs=1", "everySteps=2")).toEqual([2, 3, 4, 6]);
});

test("a checkpoint is due so many minutes after the last one, whatever that was for", () => {
  expect(timedCheckpoints(4, 10, "everyEpochs=2", "everyMinutes=40")).toEqual([4, 6, 10, 12]);
  expect(timedCheckpoints(4, 10, "everyEpochs=2", "everyMinutes=0")).toEqual([6, 12]);
});

test("the untrained network and the last teacher are evaluated, and those between as often as asked", () => {
  expect(evaluations(4, 0)).toEqual([0, 12]);
  expect(evaluations(4, 2)).toEqual([0, 6, 12]);
  expect(evaluations(3, 2)).toEqual([0, 6, 9]);
});

test("without evaluation none is due, not even at the end", () => {
  expect(evaluations(2, null)).toEqual([]);
});

test("looks at the networks are due between two epochs alone, however often they are asked for", () => {
  const often = fc.option(fc.integer({ min: 0, max: 5 }));
  const property = fc.property(fc.integer({ min: 1, max: 9 }), often, often, often, (epochs, ...every) => {
    const keys = ["knn", "watch", "pictures"].map(
      (name, at) => `evaluate.${name}.everyEpochs=${every[at] ?? null}`,
    );
    const settled = config(epochs, ...keys);
    const looks = [evaluationIsDue, watchIsDue, picturesAreDue];
    const due = places(epochs).filter((place) => looks.some((isDue) => isDue(settled, place)));
    expect(due.filter(({ position }) => !isEpochEnd(position))).toEqual([]);
  });
  fc.assert(property);
});

test("pictures are due at the like places, by their own key", () => {
  const due = (epochs: number, everyEpochs: string) => {
    const settled = config(
      epochs,
      "evaluate.knn.everyEpochs=null",
      `evaluate.pictures.everyEpochs=${everyEpochs}`,
    );
    return places(epochs).flatMap((place) => (picturesAreDue(settled, place) ? [place.step] : []));
  };
  expect(due(4, "3")).toEqual([0, 9, 12]);
  expect(due(4, "0")).toEqual([0, 12]);
  expect(due(4, "null")).toEqual([]);
  expect(due(4, "auto")).toEqual([0, 3, 6, 9, 12]);
  expect(due(25, "auto").map((step) => step / STEPS_PER_EPOCH)).toEqual([0, 3, 6, 9, 12, 15, 18, 21, 24, 25]);
});
