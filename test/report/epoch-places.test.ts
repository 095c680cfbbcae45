import fc from "fast-check";
import { expect, test } from "vitest";
import { type EpochPlace, EpochPlaces } from "../../ts/report/epoch-places.js";

/** Of a log in which each epoch has so many steps. */
function placesOf(lengths: readonly number[], first = { step: 1, epoch: 1 }): EpochPlaces {
  const places = new EpochPlaces();
  let { step } = first;
  lengths.forEach((length, index) => {
    for (let count = 0; count < length; count++) places.add({ step: step++, epoch: first.epoch + index });
  });
  return places;
}

/** On the straight line through the two places around a step, or through the outermost ones, as the page draws it. */
function epochAt(step: number, places: readonly EpochPlace[]): number {
  const next = places.findIndex((place) => place.step >= step);
  const end = next < 0 ? places.length - 1 : Math.max(1, next);
  const [from, to] = [places[end - 1] as EpochPlace, places[end] as EpochPlace];
  return from.epochs + ((step - from.step) / (to.step - from.step)) * (to.epochs - from.epochs);
}

test("every end of an epoch lies where the log says, whatever the lengths of its epochs", () => {
  const property = fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (lengths) => {
    const places = placesOf(lengths).result(lengths.at(-1) ?? 1);
    let step = 0;
    lengths.forEach((length, index) => {
      expect(epochAt(step, places)).toBeCloseTo(index, 9);
      step += length;
    });
    expect(epochAt(step, places)).toBeCloseTo(lengths.length, 9);
  });
  fc.assert(property);
});

test("epochs of the same length need two places, however many they are", () => {
  const places = placesOf(Array.from({ length: 300 }, () => 6));
  expect(places.result(6)).toEqual([
    { step: 0, epochs: 0 },
    { step: 1800, epochs: 300 },
  ]);
});

test("within its first epoch a run is as far as its length tells, or else at its end", () => {
  const places = placesOf([4]);
  expect(epochAt(4, places.result(16))).toBe(0.25);
  expect(epochAt(4, places.result(null))).toBe(1);
});

test("a later epoch whose length is not known is as long as the one before", () => {
  expect(epochAt(9, placesOf([6, 3]).result(null))).toBe(1.5);
});

test("a run that goes on from elsewhere begins in the epoch that it says", () => {
  const places = placesOf([5, 5], { step: 1001, epoch: 41 }).result(5);
  expect([1000, 1005, 1010].map((step) => epochAt(step, places))).toEqual([40, 41, 42]);
});

test("without steps there are no places", () => {
  expect(new EpochPlaces().result(5)).toEqual([]);
});
