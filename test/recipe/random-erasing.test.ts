import fc from "fast-check";
import { expect, test } from "vitest";
import { randomStream } from "../../ts/random.js";
import { randomErasing } from "../../ts/recipe/random-erasing.js";
import { expectShare } from "../chance.js";

const VIEW = { height: 224, width: 224 };
const DRAWS = 20_000;

function drawn(count: number, probability = 0.25) {
  const options = { probability, mode: "pixel", count } as const;
  return Array.from({ length: DRAWS }, (_, at) => randomErasing(VIEW, options, randomStream(8, at)));
}

test("a quarter of the views lose a box of 2 to 33 % of their area, at most 3.3 times as long as wide", () => {
  const views = drawn(1);
  const boxes = views.flat();
  expectShare(boxes.length, DRAWS, 0.25);
  for (const { place, mode } of boxes) {
    const area = (place.height * place.width) / 224 ** 2;
    expect(mode).toBe("pixel");
    expect(area).toBeGreaterThan(0.019);
    expect(area).toBeLessThan(0.34);
    expect(Math.max(place.height / place.width, place.width / place.height)).toBeLessThan(3.5);
  }
  const areas = boxes.map(({ place }) => (place.height * place.width) / 224 ** 2);
  expectShare(areas.filter((area) => area > 0.1767).length, areas.length, 0.5);
  expect(new Set(boxes.map(({ seed }) => seed)).size).toBe(boxes.length);
});

test("with a count of 3 there are one, two or three boxes equally often, smaller the more there are", () => {
  const views = drawn(3, 1);
  for (const count of [1, 2, 3]) {
    const own = views.filter(({ length }) => length === count);
    expectShare(own.length, DRAWS, 1 / 3);
    const most = Math.max(...own.flat().map(({ place }) => place.height * place.width));
    expect(most / 224 ** 2).toBeLessThan(0.34 / count);
  }
});

test("a box lies inside its view and leaves some of it, however small the view", () => {
  const side = fc.integer({ min: 1, max: 40 });
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 5 }), fc.integer(), (height, width, count, seed) => {
      const options = { probability: 1, mode: "const", count } as const;
      for (const { place } of randomErasing({ height, width }, options, randomStream(seed))) {
        expect(Math.min(place.top, place.left)).toBeGreaterThanOrEqual(0);
        expect(Math.min(place.height, place.width)).toBeGreaterThan(0);
        expect(place.height).toBeLessThan(height);
        expect(place.width).toBeLessThan(width);
        expect(place.top + place.height).toBeLessThanOrEqual(height);
        expect(place.left + place.width).toBeLessThanOrEqual(width);
      }
    }),
  );
});

test("with a probability of 0 nothing is erased", () => {
  expect(drawn(1, 0).flat()).toEqual([]);
});
