import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { expect, test } from "vitest";
import { syntheticPhotographs } from "../../ts/benchmark/synthetic-photographs.js";
import { temporaryFolder } from "../native/fake-libtorch.js";

test("the files are made once, and are as large as photographs of their size", {
  timeout: 60_000,
}, async () => {
  const cache = temporaryFolder();
  const started: number[] = [];
  const options = { cache, onStart: (count: number) => started.push(count) };
  const folder = await syntheticPhotographs(options);
  expect(await syntheticPhotographs(options)).toBe(folder);
  const files = readdirSync(folder).map((name) => join(folder, name));
  expect(started).toEqual([files.length]);
  for (const file of files) {
    const { format, width, height } = await sharp(file).metadata();
    expect({ format, width, height }).toEqual({ format: "jpeg", width: 500, height: 375 });
    expect(statSync(file).size).toBeGreaterThan(60_000);
    expect(statSync(file).size).toBeLessThan(160_000);
  }
  expect(new Set(files.map((file) => readFileSync(file, "base64"))).size).toBe(files.length);
});
