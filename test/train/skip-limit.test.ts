import fc from "fast-check";
import { expect, test } from "vitest";
import { DataError } from "../../ts/errors.js";
import { fewAreSkipped, requireFewSkipped } from "../../ts/train/skip-limit.js";

const limit = { maxSkippedShare: 0.05, samplesPerEpoch: 1000, list: "runs/a/skipped.jsonl" };

test("a share up to the limit passes", () => {
  expect(() => requireFewSkipped({ seen: 100, skipped: 5 }, limit)).not.toThrow();
});

test("a larger one is an error that says how many, what is allowed and where they are listed", () => {
  const act = () => requireFewSkipped({ seen: 100, skipped: 6 }, limit);
  expect(act).toThrow(DataError);
  expect(act).toThrow(
    "images: expected at most 5 % that cannot be decoded (data.maxSkippedShare), received 6 %: 6 of 100",
  );
  expect(act).toThrow(expect.objectContaining({ hint: expect.stringContaining("runs/a/skipped.jsonl") }));
});

test("too few samples say nothing yet", () => {
  expect(() => requireFewSkipped({ seen: 49, skipped: 10 }, limit)).not.toThrow();
  expect(() => requireFewSkipped({ seen: 50, skipped: 10 }, limit)).toThrow(DataError);
});

test("a whole epoch of a small data set is enough", () => {
  const small = { ...limit, samplesPerEpoch: 24 };
  expect(() => requireFewSkipped({ seen: 23, skipped: 10 }, small)).not.toThrow();
  expect(() => requireFewSkipped({ seen: 24, skipped: 10 }, small)).toThrow(DataError);
});

test("a limit of 0 allows none", () => {
  expect(() => requireFewSkipped({ seen: 100, skipped: 0 }, { ...limit, maxSkippedShare: 0 })).not.toThrow();
  expect(() => requireFewSkipped({ seen: 100, skipped: 1 }, { ...limit, maxSkippedShare: 0 })).toThrow(
    /received 1 %/,
  );
});

test("that a run is about to be stopped can be asked before it is", () => {
  const tally = fc.record({ seen: fc.integer({ min: 1, max: 200 }), skipped: fc.nat(20) });
  const property = fc.property(tally, (samples) => {
    const act = expect(() => requireFewSkipped(samples, limit));
    if (fewAreSkipped(samples, limit)) act.not.toThrow();
    else act.toThrow(DataError);
  });
  fc.assert(property);
});
