import fc from "fast-check";
import { expect, test } from "vitest";
import { endsOf } from "../../ts/dataset/parts.js";
import { shuffledShards } from "../../ts/dataset/shuffle-buffer.js";

const shards = fc.record({
  lengths: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 12 }),
  buffer: fc.integer({ min: 1, max: 100 }),
  seed: fc.integer({ min: 0, max: 1000 }),
  epoch: fc.nat({ max: 300 }),
});

test("every sample comes once, and the order is a function of seed and epoch", () => {
  fc.assert(
    fc.property(shards, ({ lengths, ...rest }) => {
      const ends = endsOf(lengths);
      const order = shuffledShards({ ends, ...rest });
      expect(Uint32Array.from(order).sort()).toEqual(
        Uint32Array.from({ length: ends.at(-1) as number }, (_, at) => at),
      );
      expect(shuffledShards({ ends, ...rest })).toEqual(order);
    }),
  );
});

test("a sample never comes before the buffer could have held it", () => {
  fc.assert(
    fc.property(shards, ({ lengths, buffer, seed, epoch }) => {
      const ends = endsOf(lengths);
      const order = shuffledShards({ ends, buffer, seed, epoch });
      const unshuffled = shuffledShards({ ends, buffer: 1, seed, epoch });
      const readAt = new Map([...unshuffled].map((sample, at) => [sample, at]));
      for (const [at, sample] of order.entries()) expect(readAt.get(sample)).toBeLessThan(at + buffer);
    }),
  );
});

test("a buffer of one reads shard after shard, in another order in each epoch", () => {
  const ends = endsOf([3, 2, 4]);
  const orders = [0, 1, 2, 3, 4, 5].map((epoch) =>
    [...shuffledShards({ ends, buffer: 1, seed: 1, epoch })].join(""),
  );
  const pieces = ["012", "34", "5678"];
  for (const order of orders) expect(pieces.every((piece) => order.includes(piece))).toBe(true);
  expect(new Set(orders).size).toBeGreaterThan(2);
});

test("a buffer as large as the data mixes all of it: each sample may come at each place", () => {
  const ends = endsOf([5, 5]);
  const counts = new Uint32Array(100);
  for (let epoch = 0; epoch < 4000; epoch++) {
    for (const [at, sample] of shuffledShards({ ends, buffer: 10, seed: 3, epoch }).entries()) {
      const cell = 10 * at + sample;
      counts[cell] = (counts[cell] as number) + 1;
    }
  }
  const deviation = counts.reduce((sum, count) => sum + (count - 400) ** 2 / 400, 0);
  expect(deviation).toBeLessThan(160); // chi squared with 81 degrees of freedom: 1 in 10 million is above
});
