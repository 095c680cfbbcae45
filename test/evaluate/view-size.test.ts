import { expect, test } from "vitest";
import { evaluationSize } from "../../ts/evaluate/view-size.js";

const MODEL = { imageSize: 28 };

test("by default the crop is what positions are stored for, resized as the published protocol does", () => {
  expect(evaluationSize({}, MODEL)).toEqual({ resizeTo: 32, crop: 28 });
  expect(evaluationSize({ size: 224 }, MODEL)).toEqual({ resizeTo: 256, crop: 224 });
});

test("small images can be taken whole", () => {
  expect(evaluationSize({ resizeTo: 28 }, MODEL)).toEqual({ resizeTo: 28, crop: 28 });
});

test("images smaller than their crop are refused", () => {
  expect(() => evaluationSize({ resizeTo: 27 }, MODEL)).toThrow(
    "resizeTo: expected at least the crop's side 28, received 27",
  );
});
