import fc from "fast-check";
import { expect, test } from "vitest";
import { ArgumentError } from "../ts/errors.js";
import { type RandomStream, randomStream } from "../ts/random.js";
import { expectEven, expectShare } from "./chance.js";

const DRAWS = 20_000;

function times<T>(count: number, draw: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => draw(index));
}

function start(random: RandomStream): number[] {
  return times(4, () => random.uniform(0, 1));
}

const anyName = fc.tuple(fc.maxSafeNat(), fc.array(fc.oneof(fc.maxSafeNat(), fc.string()), { maxLength: 4 }));

test("the same seed and path give the same numbers, whatever is drawn elsewhere", () => {
  fc.assert(
    fc.property(anyName, fc.nat({ max: 20 }), ([seed, path], others) => {
      const alone = start(randomStream(seed, ...path));
      const other = randomStream(seed, ...path, "other");
      times(others, () => other.integer(0, 10));
      const stream = randomStream(seed, ...path);
      const mixed = times(4, () => [stream.uniform(0, 1), other.uniform(0, 1)][0]);
      expect(mixed).toEqual(alone);
    }),
  );
});

test("another seed or path gives other numbers", () => {
  fc.assert(
    fc.property(anyName, anyName, (one, other) => {
      fc.pre(JSON.stringify(one) !== JSON.stringify(other));
      expect(start(randomStream(one[0], ...one[1]))).not.toEqual(start(randomStream(other[0], ...other[1])));
    }),
  );
});

test("a path is more than its parts strung together", () => {
  const starts = [randomStream(1, "ab"), randomStream(1, "a", "b"), randomStream(1, 2), randomStream(1, "2")];
  expect(new Set(starts.map((stream) => stream.uniform(0, 1))).size).toBe(4);
});

test("the numbers of a name never change, so that a run can be repeated with a later version", () => {
  const stream = randomStream(7, "crops", 3, 41);
  const drawn = [stream.uniform(0, 1), stream.uniform(-2, 5), stream.integer(0, 1000), stream.integer(-3, 4)];
  expect(drawn).toEqual([0.5564634813288293, 2.1140159460295065, 47, -3]);
  expect(stream.chance(0.5)).toBe(false);
  expect([...stream.permutation(6)]).toEqual([5, 4, 2, 0, 3, 1]);
});

test("a uniform number lies in [low, high), also where rounding would lift it to high", () => {
  const bound = fc.double({ noNaN: true, min: -1e6, max: 1e6 });
  fc.assert(
    fc.property(fc.nat(), bound, bound, (seed, one, other) => {
      const [low, high] = [Math.min(one, other), Math.max(one, other)];
      const value = randomStream(seed).uniform(low, high);
      expect(value).toBeGreaterThanOrEqual(low);
      if (low < high) expect(value).toBeLessThan(high);
      else expect(value).toBe(low);
    }),
  );
  const narrow = randomStream(1);
  expect(new Set(times(100, () => narrow.uniform(1, 1 + Number.EPSILON)))).toEqual(new Set([1]));
});

test("a whole number lies in [low, high)", () => {
  fc.assert(
    fc.property(fc.nat(), fc.integer(), fc.integer({ min: 1, max: 2 ** 40 }), (seed, low, count) => {
      const value = randomStream(seed).integer(low, low + count);
      expect(Number.isSafeInteger(value)).toBe(true);
      expect(value).toBeGreaterThanOrEqual(low);
      expect(value).toBeLessThan(low + count);
    }),
  );
});

test("uniform and whole numbers are spread evenly", () => {
  const stream = randomStream(11, "even");
  expectEven(
    times(DRAWS, () => Math.floor(stream.uniform(2, 3) * 16) - 32),
    16,
  );
  expectEven(
    times(DRAWS, () => stream.integer(5, 12) - 5),
    7,
  );
});

test("the first numbers of neighbouring streams are spread evenly, and so are their pairs", () => {
  const first = times(DRAWS + 1, (sample) => randomStream(3, "epoch", 0, sample).integer(0, 8));
  expectEven(first.slice(1), 8);
  expectEven(
    times(DRAWS, (sample) => 8 * (first[sample] ?? Number.NaN) + (first[sample + 1] ?? Number.NaN)),
    64,
  );
});

test("a chance of p is true in a share p of all draws, of 0 never, of 1 always", () => {
  for (const p of [0, 0.1, 0.5, 0.8, 1]) {
    const stream = randomStream(5, "chance");
    expectShare(times(DRAWS, () => stream.chance(p)).filter(Boolean).length, DRAWS, p);
  }
});

test("a permutation holds every index once", () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat({ max: 200 }), (seed, n) => {
      const order = randomStream(seed).permutation(n);
      expect([...order].sort((one, other) => one - other)).toEqual(times(n, (index) => index));
    }),
  );
});

test("every permutation is as likely as the others", () => {
  const stream = randomStream(13, "permutation");
  const orders = ["0,1,2", "0,2,1", "1,0,2", "1,2,0", "2,0,1", "2,1,0"];
  expectEven(
    times(DRAWS, () => orders.indexOf(stream.permutation(3).join())),
    6,
  );
});

test("a name or a range that makes no sense is refused", () => {
  expect(() => randomStream(Number.NaN)).toThrow(ArgumentError);
  expect(() => randomStream(1, "epoch", 0.5)).toThrow(/expected a whole number or a string, received 0.5/);
  expect(() => randomStream(2 ** 53)).toThrow(ArgumentError);
  expect(() => randomStream(1).integer(3, 3)).toThrow(/expected low < high, received 3 and 3/);
  expect(() => randomStream(1).integer(0, 1.5)).toThrow(ArgumentError);
});
