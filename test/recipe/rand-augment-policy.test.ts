import { expect, test } from "vitest";
import { ConfigError } from "../../ts/errors.js";
import { randAugmentPolicy } from "../../ts/recipe/rand-augment-policy.js";

test("the reference's policy is read", () => {
  expect(randAugmentPolicy("rand-m9-mstd0.5-inc1")).toEqual({
    magnitude: 9,
    operations: 2,
    deviation: 0.5,
    increasing: true,
    weighted: false,
  });
});

test("what a policy leaves open is as timm has it, in any order of its sections", () => {
  const open = { magnitude: 10, operations: 2, deviation: 0, increasing: false, weighted: false };
  expect(randAugmentPolicy("rand")).toEqual(open);
  expect(randAugmentPolicy("rand-w0-n3-m0-inc0")).toEqual({
    ...open,
    magnitude: 0,
    operations: 3,
    weighted: true,
  });
});

test.each([
  ["", 'auto-augment: expected a policy that begins with "rand", received ""'],
  ["augmix-m3", 'auto-augment: expected a policy that begins with "rand", received "augmix-m3"'],
  [
    "rand-m11",
    'auto-augment rand-m11: expected sections m, n, mstd, inc and w with their values, received "m11"',
  ],
  ["rand-m9.5", /received "m9.5"/],
  ["rand-mstd", /received "mstd"/],
  ["rand-m9-", /received ""/],
  ["rand-n0", /received "n0"/],
  ["rand-x1", /received "x1"/],
  ["rand-m9-m8", /expected each section once, received "m8"/],
  ["rand-w0-n14", /expected at most n13 with w0, received "n14"/],
])("%j is refused by name", (text, message) => {
  const refused = () => randAugmentPolicy(text);
  expect(refused).toThrow(ConfigError);
  expect(refused).toThrow(message);
});
