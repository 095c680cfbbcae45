import fc from "fast-check";
import { expect, test } from "vitest";
import { nearestKey, nearestName } from "../../ts/config/nearest-key.js";
import { knownKeys } from "../../ts/config/schema.js";

const known = knownKeys();

test("a known key with one letter changed is offered, or one that is as near", () => {
  const longKeys = known.filter((key) => (key.split(".").at(-1) ?? "").length > 5);
  fc.assert(
    fc.property(fc.constantFrom(...longKeys), fc.nat(), (key, at) => {
      const place = key.length - 1 - (at % 4);
      const typo = `${key.slice(0, place)}Q${key.slice(place + 1)}`;
      expect(nearestKey(typo, known)).toBe(key);
    }),
  );
});

test("a key in the wrong section is offered in its own", () => {
  expect(nearestKey("training.learningRate", known)).toBe("schedule.learningRate");
  expect(nearestKey("model.prototypes", known)).toBe("model.head.prototypes");
});

test("a key of the same section goes before one of another", () => {
  expect(nearestKey("checkpoint.everyEpoch", known)).toBe("checkpoint.everyEpochs");
  expect(nearestKey("evaluate.knn.everyEpoch", known)).toBe("evaluate.knn.everyEpochs");
  expect(nearestKey("logging.everyStep", known)).toBe("logging.everySteps");
});

test("nothing is offered where nothing is near", () => {
  expect(nearestKey("x", known)).toBeNull();
  expect(nearestKey("photographs", known)).toBeNull();
  expect(nearestName("cats", ["quickstart", "defaults"])).toBeNull();
});
