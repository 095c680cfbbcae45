/** The digits of bench/README.md, section "Validity": what is written, and that its configuration is one. */
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../ts/config/load.js";
import { packageRoot } from "../../ts/native/package-root.js";
import { sharedFolder } from "../end-to-end/photos.js";

const folder = join(sharedFolder(), "digits");
const script = join(packageRoot, "bench", "digits.mjs");
const run = () => promisify(execFile)(process.execPath, [script, folder]);

beforeAll(async () => void (await run()), 120_000);

function images(part: string): readonly string[] {
  const names = readdirSync(join(folder, part), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".png"));
}

function contents(part: string): ReadonlySet<string> {
  const hash = (name: string) => createHash("sha256").update(readFileSync(join(folder, part, name)));
  return new Set(images(part).map((name) => hash(name).digest("hex")));
}

test("what is reported on is in no other part; what votes is a part of the images without labels", () => {
  const [train, known, select, val] = ["train", "train-1000", "select", "val"].map(contents);
  expect([train?.size, known?.size, select?.size, val?.size]).toEqual([8000, 1000, 1000, 2000]);
  expect([...(val ?? [])].filter((hash) => train?.has(hash))).toEqual([]);
  for (const part of [known, select]) expect([...(part ?? [])].every((hash) => train?.has(hash))).toBe(true);
  expect([...(select ?? [])].filter((hash) => known?.has(hash))).toEqual([]);
});

test("labels are folders of a hundred images each; the images to pretrain on have none", () => {
  for (const part of ["train-1000", "select"]) {
    const labels = images(part).map((name) => name.slice(0, 2));
    for (let digit = 0; digit < 10; digit++)
      expect(labels.filter((label) => label === `${digit}/`)).toHaveLength(100);
  }
  expect(images("train").some((name) => name.includes("/"))).toBe(false);
});

test("a folder that is there is left alone", async () => {
  await expect(run()).rejects.toThrow(/expected a folder that does not exist/);
});

test("the configuration is one", () => {
  const config = loadConfig({ file: join(packageRoot, "bench", "digits.yaml") });
  expect(config.crops.flipProbability).toBe(0);
});
