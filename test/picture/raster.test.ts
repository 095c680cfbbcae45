import fc from "fast-check";
import { expect, test } from "vitest";
import { viewImage, viewTile } from "../../ts/picture/raster.js";

test("a view as an image has the pixels of its tile at scale 1", () => {
  const view = fc.integer({ min: 1, max: 9 }).chain((side) =>
    fc.record({
      side: fc.constant(side),
      planes: fc.uint8Array({ minLength: 3 * side * side, maxLength: 3 * side * side }),
    }),
  );
  fc.assert(
    fc.property(view, ({ side, planes }) => {
      expect(viewImage(planes, side)).toEqual({
        pixels: viewTile(planes, side, 1).pixels,
        width: side,
        height: side,
      });
    }),
  );
});
