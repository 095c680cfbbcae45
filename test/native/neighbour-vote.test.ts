import { expect, test } from "vitest";
import { ArgumentError } from "../../ts/errors.js";
import { neighbourVote } from "../../ts/native/engine.js";

/** Three classes on three axes; the third test row lies nearest a wrong class. */
const VOTE = {
  train: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1),
  trainLabels: Int32Array.of(0, 1, 2),
  test: Float32Array.of(1, 0, 0, 0, 0.8, 0.6, 0, 0.8, 0.6),
  testLabels: Int32Array.of(0, 1, 2),
  width: 3,
  classes: 3,
  neighbours: [1, 3, 20],
  temperature: 0.07,
};

test("each number of neighbours has its score, in the order asked for; more than there are is all", async () => {
  const scores = await neighbourVote(VOTE);
  expect(scores.map(({ neighbours }) => neighbours)).toEqual([1, 3, 20]);
  expect(scores[0]?.top1).toBeCloseTo(2 / 3);
  expect(scores[1]?.top5).toBe(1);
  expect({ ...scores[2], neighbours: 3 }).toEqual(scores[1]);
});

test("without test rows each train row is judged by the others", async () => {
  const train = Float32Array.of(1, 0, 0, 0.8, 0.6, 0, 0, 0, 1);
  const alone = { ...VOTE, train, trainLabels: Int32Array.of(0, 0, 1), test: null, testLabels: null };
  const scores = await neighbourVote({ ...alone, neighbours: [1], device: "cpu" });
  expect(scores[0]?.top1).toBeCloseTo(2 / 3);
});

test.each([
  [{ ...VOTE, test: null }, "test: expected a Float32Array, received null"],
  [{ ...VOTE, device: "tpu" }, 'device: expected cpu, cuda or cuda:<index>, received "tpu"'],
  [{ ...VOTE, train: new Float32Array(8) }, /^train: expected 9 values .*, received 8 values/],
  [{ ...VOTE, testLabels: Int32Array.of(0, 1, 3) }, /^testLabels: expected classes from 0 to 2, received 3/],
  [{ ...VOTE, neighbours: [0] }, "neighbours[0]: expected a whole number from 1 to 2147483647, received 0"],
  [{ ...VOTE, temperature: 0 }, /^temperature: expected a number above 0, received 0/],
  [{ ...VOTE, trainLabels: [0, 1, 2] }, "trainLabels: expected an Int32Array, received an array of length 3"],
])("a wrong vote is refused by name: %#", async (vote, message) => {
  const error = await neighbourVote(vote as never).catch((reason) => reason);
  expect(error).toBeInstanceOf(ArgumentError);
  expect(error.message).toMatch(message);
});
