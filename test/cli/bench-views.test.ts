import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { viewsText } from "../../ts/cli/bench-views.js";
import { udiNative } from "../end-to-end/command.js";
import { temporaryFolder } from "../native/fake-libtorch.js";

async function photographs(): Promise<string> {
  const root = temporaryFolder();
  for (let at = 0; at < 6; at++) {
    const noise = { type: "gaussian" as const, mean: 40 * at, sigma: 30 };
    const image = sharp({ create: { width: 120, height: 90, channels: 3, background: "black", noise } });
    await image.jpeg().toFile(join(root, `${at}.jpg`));
  }
  return root;
}

test("bench views --json measures the stream with one thread and with several, and each part", async () => {
  const data = await photographs();
  const args = ["--data", data, "--locals", "1", "--threads", "2", "--images", "8", "--batch", "4", "--json"];
  const { status, stdout, stderr } = await udiNative("bench", "views", ...args);
  expect(stderr).toMatch(
    /measuring the stream with 1 thread\nmeasuring the stream with 2 threads\nmeasuring each part/,
  );
  expect(status).toBe(0);
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ data, locals: 1, batch: 4, threads: 2 });
  expect(result.runs.map(({ threads }: { threads: number }) => threads)).toEqual([1, 2]);
  expect(result.runs.every(({ images }: { images: number }) => images === 8)).toBe(true);
  const { total, rest, ...parts } = result.coreMilliseconds;
  expect(Object.keys(parts)).toEqual(["read", "decode", "recipe", "resize", "photometric"]);
  expect(Math.min(...Object.values<number>(parts))).toBeGreaterThan(0);
  const sum = Object.values<number>(parts).reduce((all, part) => all + part, 0);
  expect(sum + rest).toBeCloseTo(total, 6);
  const [one, two] = result.runs;
  expect(result.scaling).toBeCloseTo(two.imagesPerSecond / one.imagesPerSecond / 2, 6);
});

test("one thread alone is measured once", async () => {
  const args = ["--data", await photographs(), "--threads", "1", "--images", "6", "--batch", "100", "--json"];
  const { status, stdout } = await udiNative("bench", "views", ...args);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ batch: 6, scaling: 1 });
});

test.each([
  [["--threads", "0"], /expected a whole number of at least 1/],
  [["--locals", "many"], /crops\.localCrops/],
  [["--data", "/nowhere"], /\/nowhere/],
])("%j is a wrong use and exits 2", async (args, message) => {
  const { status, stderr } = await udiNative("bench", "views", ...args);
  expect(stderr).toMatch(message);
  expect(status).toBe(2);
});

test("the lines for a reader name every part", () => {
  const run = {
    threads: 1,
    images: 512,
    imagesPerSecond: 140.4,
    coreMilliseconds: 7.1,
    busyCores: 1,
    longestBlockMilliseconds: 2,
  };
  const text = viewsText(
    { data: "photos", threads: 2 },
    {
      runs: [run, { ...run, threads: 2, imagesPerSecond: 270 }],
      scaling: 0.9615,
      coreMilliseconds: {
        read: 0.1,
        decode: 2,
        recipe: 0.12,
        resize: 2.5,
        photometric: 1.5,
        rest: 0.88,
        total: 7.1,
      },
      readMegabytesPerSecond: { stream: 25, alone: 900 },
      longestBlockMilliseconds: 3.4,
      peakResidentBytes: 4.2e8,
    },
  );
  expect(text).toMatch(/^settings +data photos, threads 2$/m);
  expect(text).toMatch(/^2 threads +270\.0 images\/s/m);
  expect(text).toMatch(/^scaling +0\.96 of linear$/m);
  for (const part of ["read", "decode", "recipe \\+ maps", "resize", "photometric", "the rest"]) {
    expect(text).toMatch(new RegExp(`^  ${part} +[\\d.]+ ms$`, "m"));
  }
  expect(text).toMatch(/longest block 3\.4 ms/);
});
