import fc from "fast-check";
import { expect, test } from "vitest";
import {
  batchOf,
  preparedImage,
  resizedSize,
  type SizeChoice,
} from "../../../ts/evaluate/attention/prepared-image.js";

function image(height: number, width: number) {
  return { height, width, pixels: Uint8Array.from({ length: 3 * height * width }, (_, at) => at % 251) };
}

test("one number is the shorter side and keeps the shape to within a pixel; two numbers are taken as they are", () => {
  expect(resizedSize({ height: 100, width: 150 }, { kind: "shorter", side: 480 })).toEqual({
    height: 480,
    width: 720,
  });
  expect(resizedSize({ height: 333, width: 100 }, { kind: "shorter", side: 50 })).toEqual({
    height: 166,
    width: 50,
  });
  const exact: SizeChoice = { kind: "exact", height: 48, width: 64 };
  expect(resizedSize({ height: 333, width: 100 }, exact)).toEqual({ height: 48, width: 64 });
});

test("as it is, an image is only cut at the right and below, to whole patches", async () => {
  const whole = image(21, 35);
  const cut = await preparedImage("a.png", whole, { kind: "as-is" }, 8);
  expect([cut.height, cut.width]).toEqual([16, 32]);
  const row = (y: number) => whole.pixels.subarray(3 * 35 * y, 3 * (35 * y + 32));
  for (let y = 0; y < 16; y++) expect(cut.pixels.subarray(96 * y, 96 * (y + 1))).toEqual(row(y));
});

test("any image and size gives whole patches, or one error that names the file", async () => {
  const side = fc.integer({ min: 1, max: 70 });
  await fc.assert(
    fc.asyncProperty(side, side, side, async (height, width, shorter) => {
      const outcome = await preparedImage(
        "a.png",
        image(height, width),
        { kind: "shorter", side: shorter },
        16,
      ).catch((error: Error) => error.message);
      if (typeof outcome === "string") expect(outcome).toMatch(/^a\.png: expected at (least|most)/);
      else
        expect([outcome.height % 16, outcome.width % 16, outcome.pixels.length]).toEqual([
          0,
          0,
          3 * outcome.height * outcome.width,
        ]);
    }),
    { numRuns: 50 },
  );
});

test("an image smaller than a patch, and one of far too many patches, say so", async () => {
  await expect(preparedImage("a.png", image(15, 40), { kind: "as-is" }, 16)).rejects.toThrow(
    "a.png: expected at least one patch of 16x16 pixels, received 15x40 pixels (height x width)",
  );
  await expect(preparedImage("a.png", image(1, 900), { kind: "shorter", side: 480 }, 8)).rejects.toThrow(
    /at most 32768 patches/,
  );
});

test("a batch holds the colours one behind the other", () => {
  const { pixels } = batchOf({ height: 1, width: 2, pixels: Uint8Array.of(1, 2, 3, 4, 5, 6) });
  expect([...pixels]).toEqual([1, 4, 2, 5, 3, 6]);
});
