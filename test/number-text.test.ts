import { expect, test } from "vitest";
import { byteText, numberText, percentText, timeText } from "../ts/number-text.js";

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1300, "1.3 kB"],
  [147_000_000_000, "147 GB"],
  [5e16, "50000 TB"],
])("%d bytes are %s", (bytes, text) => {
  expect(byteText(bytes)).toBe(text);
});

test.each([
  [0, "0"],
  [0.000012, "1.20e-5"],
  [1.23456, "1.235"],
  [65536, "65536"],
  [-2_500_000, "-2.50e+6"],
])("%d is written %s", (value, text) => {
  expect(numberText(value)).toBe(text);
});

test("a share is a percentage with one decimal", () => {
  expect([0, 0.6138, 1].map(percentText)).toEqual(["0.0 %", "61.4 %", "100.0 %"]);
});

test("a time is given to the minute; what is no time stays as it is", () => {
  expect(timeText("2026-11-25T00:46:31.000Z")).toBe("2026-11-25 00:46 UTC");
  expect(timeText("yesterday")).toBe("yesterday");
});
