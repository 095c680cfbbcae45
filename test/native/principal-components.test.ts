import { expect, test } from "vitest";
import { ArgumentError } from "../../ts/errors.js";
import { principalComponents } from "../../ts/native/engine.js";

/** Three vectors on a line, about their mean (4, 1). */
const REQUEST = { vectors: Float32Array.of(0, 1, 4, 1, 8, 1), width: 2, components: 2 };

test("mean, directions, shares and scores come row by row", async () => {
  const found = await principalComponents(REQUEST);
  expect([...found.mean]).toEqual([4, 1]);
  expect([...found.directions]).toEqual([1, 0, 0, 1]);
  expect(found.explained).toEqual([1, 0]);
  expect([...found.scores].map((score) => score + 0)).toEqual([-4, 0, 4, 0, 0, 0]);
});

test("vectors that are written to while it computes change nothing", async () => {
  const vectors = REQUEST.vectors.slice();
  const promise = principalComponents({ ...REQUEST, vectors });
  vectors.fill(7);
  expect((await promise).explained).toEqual([1, 0]);
});

test.each([
  [{ ...REQUEST, vectors: new Float32Array(0) }, /^vectors: expected at least one .*, received 0 values/],
  [{ ...REQUEST, vectors: new Float32Array(5) }, /^vectors: expected at least one .*, received 5 values/],
  [
    { ...REQUEST, vectors: Float32Array.of(1, Number.NaN) },
    "vectors: expected finite values, received NaN at place 1",
  ],
  [
    { ...REQUEST, vectors: Float32Array.of(Number.NEGATIVE_INFINITY, 1) },
    "vectors: expected finite values, received -inf at place 0",
  ],
  [{ ...REQUEST, vectors: [0, 1] }, "vectors: expected a Float32Array, received an array of length 2"],
  [{ ...REQUEST, width: 0 }, "width: expected a whole number from 1 to 2147483647, received 0"],
  [{ ...REQUEST, components: 3 }, "components: expected a whole number from 1 to the width 2, received 3"],
  [null, "request: expected an object, received null"],
])("what are no vectors is refused by name: %#", async (request, message) => {
  const error = await principalComponents(request as never).catch((reason) => reason);
  expect(error).toBeInstanceOf(ArgumentError);
  expect(error.message).toMatch(message);
});
