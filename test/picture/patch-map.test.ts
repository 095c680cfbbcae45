import fc from "fast-check";
import { expect, test } from "vitest";
import { heatMap } from "../../ts/picture/heat-map.js";
import { maskOverlay } from "../../ts/picture/mask-overlay.js";
import { ENLARGEMENTS, enlarged } from "../../ts/picture/patch-map.js";

const map = { rows: 2, columns: 3, values: Float32Array.of(1, 2, 3, 4, 5, 6) };

test("nearest gives each patch a rectangle of its own value", () => {
  const pixels = enlarged(map, { height: 4, width: 6 }, "nearest");
  expect([...pixels]).toEqual([1, 1, 2, 2, 3, 3, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 4, 4, 5, 5, 6, 6]);
});

test("smooth is linear between the middles of the patches and level outside of them", () => {
  const line = { rows: 1, columns: 2, values: Float32Array.of(0, 8) };
  expect([...enlarged(line, { height: 1, width: 8 }, "smooth")]).toEqual([0, 0, 1, 3, 5, 7, 8, 8]);
});

test("both ways give the values themselves in their own size and stay within them in any other", () => {
  const size = fc.record({ height: fc.integer({ min: 1, max: 40 }), width: fc.integer({ min: 1, max: 40 }) });
  fc.assert(
    fc.property(size, fc.constantFrom(...ENLARGEMENTS), (picture, how) => {
      expect([...enlarged(map, { height: 2, width: 3 }, how)]).toEqual([...map.values]);
      const pixels = enlarged(map, picture, how);
      expect(pixels.length).toBe(picture.height * picture.width);
      for (const value of pixels) expect(value >= 1 && value <= 6).toBe(true);
    }),
  );
});

test("a heat map does not depend on the scale of the values, only on their order and distances", () => {
  const size = { height: 6, width: 9 };
  const other = { ...map, values: map.values.map((value) => value / 64 + 0.5) };
  expect(heatMap(other, size, "nearest")).toEqual(heatMap(map, size, "nearest"));
});

test("a map of one value only is one colour", () => {
  const level = { ...map, values: new Float32Array(6).fill(0.25) };
  expect(new Set(heatMap(level, { height: 2, width: 3 }, "smooth")).size).toBeLessThanOrEqual(3);
});

test("a mask leaves the image as it is outside, reddens it inside and draws a red line around", () => {
  const mask = { rows: 1, columns: 2, values: Float32Array.of(0, 1) };
  const size = { height: 10, width: 20 };
  const pixels = maskOverlay(new Uint8Array(600).fill(100), size, mask);
  const at = (y: number, x: number) => [...pixels.subarray(3 * (y * 20 + x), 3 * (y * 20 + x) + 3)];
  expect(at(5, 5)).toEqual([100, 100, 100]);
  expect(at(5, 10)).toEqual([255, 0, 0]);
  expect(at(5, 15)).toEqual([178, 50, 50]);
});
