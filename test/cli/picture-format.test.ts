import sharp from "sharp";
import { expect, test } from "vitest";
import { encoderOf } from "../../ts/cli/picture-format.js";
import { ArgumentError } from "../../ts/errors.js";

function picture(height: number) {
  return sharp({ create: { width: 4, height, channels: 3, background: "white" } });
}

test.each([
  ["a.png", "png"],
  ["a.b.JPG", "jpeg"],
  ["dir.png/a.jpeg", "jpeg"],
  ["a.webp", "webp"],
])("%s is written as %s", async (file, format) => {
  const { data, info } = await encoderOf("--out", file)(picture(8));
  expect(info).toMatchObject({ format, width: 4, height: 8 });
  expect((await sharp(data).metadata()).format).toBe(format);
});

test.each([
  ["a.webp", 16_384],
  ["a.jpg", 65_536],
])("a picture that %s has no room for is refused, with the way out", async (file, height) => {
  const refused = encoderOf("--out", file)(picture(height));
  await expect(refused).rejects.toThrow(ArgumentError);
  await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining(".png") });
});

test.each(["a.gif", "png", "a"])("%s names no format", (file) => {
  expect(() => encoderOf("--out", file)).toThrow(/expected a name that ends in \.png, \.jpg or \.webp/);
});
