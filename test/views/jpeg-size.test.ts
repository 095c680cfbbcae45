import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import sharp from "sharp";
import { expect, test } from "vitest";
import { isJpeg, jpegSize } from "../../ts/views/jpeg-size.js";

function fixture(name: string): Buffer {
  return readFileSync(join(import.meta.dirname, "fixtures", name));
}

test.each(["rgb.jpg", "progressive.jpg", "cmyk.jpg", "grey.jpg", "orientation.jpg", "profile.jpg"])(
  "%s is 21 x 13",
  (name) => {
    expect(jpegSize(fixture(name))).toEqual({ width: 21, height: 13 });
  },
);

test("a JPEG of any size says its size", async () => {
  const sides = fc.integer({ min: 1, max: 300 });
  await fc.assert(
    fc.asyncProperty(sides, sides, fc.boolean(), async (width, height, progressive) => {
      const blank = sharp({ create: { width, height, channels: 3, background: "red" } });
      const bytes = await blank.jpeg({ progressive }).toBuffer();
      expect(isJpeg(bytes)).toBe(true);
      expect(jpegSize(bytes)).toEqual({ width, height });
    }),
    { numRuns: 20 },
  );
});

test("what stands between the segments or before a marker is no size", () => {
  const jpeg = fixture("rgb.jpg");
  const start = jpeg.subarray(0, 2);
  const fill = Buffer.from([0xff, 0xff, 0xff]);
  expect(jpegSize(Buffer.concat([start, fill, jpeg.subarray(2)]))).toEqual({ width: 21, height: 13 });
  expect(jpegSize(Buffer.concat([start, Buffer.from([1, 2]), jpeg.subarray(2)]))).toBeNull();
});

test("any bytes have a size or none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const size = jpegSize(Buffer.concat([Buffer.from([0xff, 0xd8]), bytes]));
      expect(size === null || (size.width >= 0 && size.height >= 0)).toBe(true);
    }),
  );
});
