import fc from "fast-check";
import { expect, test } from "vitest";
import { below, beside, drawing, inRows, type Panel } from "../../ts/picture/panel.js";

/** A panel whose one tile fills it. */
function tile(width: number, height: number): Panel {
  const pixels = new Uint8Array(3 * width * height);
  return { ...drawing(width, height, "<g/>"), tiles: [{ left: 0, top: 0, width, height, pixels }] };
}

const anyPanels = fc.array(
  fc.record({ width: fc.integer({ min: 1, max: 50 }), height: fc.integer({ min: 1, max: 50 }) }),
  { minLength: 1, maxLength: 12 },
);

test("whatever is laid out, no two tiles overlap, and all lie inside", () => {
  const ways = [
    (panels: Panel[]) => beside(panels, 3),
    (panels: Panel[]) => below(panels, 3),
    (panels: Panel[]) => inRows(panels, 120, 3),
  ];
  fc.assert(
    fc.property(anyPanels, fc.constantFrom(...ways), (sizes, arrange) => {
      const panel = arrange(sizes.map(({ width, height }) => tile(width, height)));
      expect(panel.tiles).toHaveLength(sizes.length);
      panel.tiles.forEach((one, a) => {
        expect(one.left + one.width).toBeLessThanOrEqual(panel.width);
        expect(one.top + one.height).toBeLessThanOrEqual(panel.height);
        for (const other of panel.tiles.slice(a + 1)) {
          const across =
            Math.min(one.left + one.width, other.left + other.width) - Math.max(one.left, other.left);
          const down =
            Math.min(one.top + one.height, other.top + other.height) - Math.max(one.top, other.top);
          expect(Math.min(across, down)).toBeLessThanOrEqual(0);
        }
      });
    }),
  );
});

test("rows are as even as they go", () => {
  const rows = inRows(
    Array.from({ length: 10 }, () => tile(20, 10)),
    190,
    5,
  );
  const tops = rows.tiles.map(({ top }) => top);
  expect(tops.filter((top) => top === 0)).toHaveLength(5);
  expect(new Set(tops).size).toBe(2);
});

test("marks move with their panel", () => {
  const { marks } = beside([tile(10, 10), drawing(5, 5, "<circle/>")], 2);
  expect(marks).toContain('<g transform="translate(12 0)"><circle/></g>');
});
