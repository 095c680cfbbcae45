import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { udiNative } from "../end-to-end/command.js";
import { temporaryFolder } from "../native/fake-libtorch.js";

async function photographs(): Promise<string> {
  const root = temporaryFolder();
  for (const [at, colour] of ["red", "green", "blue"].entries()) {
    const image = sharp({ create: { width: 80 + at, height: 60, channels: 3, background: colour } });
    await image.jpeg().toFile(join(root, `${at}.jpg`));
  }
  writeFileSync(join(root, "damaged.jpg"), "no image");
  return root;
}

test("preview writes a sheet of as many images as were asked for, and passes over a damaged one", async () => {
  const [data, out] = [await photographs(), join(temporaryFolder(), "new", "sheet.png")];
  const { status, stdout, stderr } = await udiNative(
    "preview",
    "--data",
    data,
    "--out",
    out,
    "--images",
    "4",
  );
  expect(stderr).toMatch(/skipped .*damaged\.jpg/);
  expect(status).toBe(0);
  const { format, width, height } = await sharp(out).metadata();
  expect(format).toBe("png");
  expect(stdout).toBe(`${out}: ${width} x ${height} pixels\n`);
  expect(readdirSync(join(out, ".."))).toEqual(["sheet.png"]);
});

test("a seed makes the same sheet again, another one another", async () => {
  const data = await photographs();
  const sheet = async (...args: string[]) => {
    const out = join(temporaryFolder(), "sheet.png");
    expect((await udiNative("preview", "--data", data, "--out", out, ...args)).status).toBe(0);
    return sharp(out).raw().toBuffer();
  };
  const first = await sheet("--seed", "3");
  expect(first.equals(await sheet("--set", "seed=3"))).toBe(true);
  expect(first.equals(await sheet("--seed", "4"))).toBe(false);
  expect(first.equals(await sheet("--seed", "3", "--epoch", "2"))).toBe(false);
});

test.each([
  [
    ["--out", "sheet.gif"],
    /--out: expected a name that ends in \.png, \.jpg or \.webp, received "sheet\.gif"/,
  ],
  [["--images", "0"], /expected a whole number of at least 1/],
  [["--seed", "-1"], /expected a whole number of at least 0/],
  [["--data", "/nowhere"], /\/nowhere/],
  [["--set", "crops.localCrop=3"], /crops\.localCrops/],
])("%j is a wrong use and exits 2 without a picture", async (args, message) => {
  const out = join(temporaryFolder(), "sheet.png");
  const { status, stderr } = await udiNative("preview", "--out", out, ...args);
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
  expect(existsSync(out)).toBe(false);
});

test("where no image can be decoded, or the picture not be written, the message says so", async () => {
  const data = temporaryFolder();
  writeFileSync(join(data, "a.jpg"), "no image");
  const out = join(temporaryFolder(), "sheet.png");
  const bad = await udiNative("preview", "--data", data, "--out", out);
  expect(bad.status).toBe(2);
  expect(bad.stderr).toMatch(/expected an image that can be decoded.*\n.*data check/s);
  const taken = await udiNative(
    "preview",
    "--data",
    await photographs(),
    "--out",
    join(data, "a.jpg", "b.png"),
  );
  expect(taken.status).toBe(2);
  expect(taken.stderr).toMatch(/error: .*b\.png: cannot be written/);
});
