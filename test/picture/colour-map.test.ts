import { expect, test } from "vitest";
import { writeColour } from "../../ts/picture/colour-map.js";

function colour(value: number): readonly number[] {
  const pixels = new Uint8Array(3);
  writeColour(pixels, 0, value);
  return [...pixels];
}

/** Of the standard sRGB: luminance of linear light. */
function luminance(value: number): number {
  const linear = colour(value).map((byte) => {
    const share = byte / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (linear[0] ?? 0) + 0.7152 * (linear[1] ?? 0) + 0.0722 * (linear[2] ?? 0);
}

test("a higher value is always lighter", () => {
  const steps = Array.from({ length: 33 }, (_, step) => luminance(step / 32));
  for (const [at, value] of steps.entries())
    if (at > 0) expect(value).toBeGreaterThan(steps[at - 1] as number);
});

test("it goes from dark violet over teal to yellow", () => {
  const [low, middle, high] = [0, 0.5, 1].map(colour) as [
    readonly number[],
    readonly number[],
    readonly number[],
  ];
  expect(low[2]).toBeGreaterThan(low[1] as number);
  expect(Math.max(...low)).toBeLessThan(110);
  expect(Math.min(middle[1] as number, middle[2] as number)).toBeGreaterThan(middle[0] as number);
  expect(Math.min(high[0] as number, high[1] as number)).toBeGreaterThan(200);
  expect(high[2]).toBeLessThan(120);
});

test("values outside of [0, 1] get the colour of the nearest end", () => {
  expect(colour(-3)).toEqual(colour(0));
  expect(colour(7)).toEqual(colour(1));
});
