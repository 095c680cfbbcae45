import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { packageRoot } from "../../ts/native/package-root.js";
import { temporaryFolder } from "../run/temporary-folder.js";

const TINY = ["--arch", "vit_tiny", "--batch", "1", "--locals", "1", "--out-dim", "64", "--steps", "2"];

function benchStep(args: readonly string[]) {
  const main = join(packageRoot, "dist", "cli", "start.cjs");
  return spawnSync(process.execPath, [main, "bench", "step", ...args], { encoding: "utf8" });
}

test("bench step --json measures the settings that were asked for, phase by phase", () => {
  const { status, stdout } = benchStep([
    ...TINY,
    "--precision",
    "fp32",
    "--device",
    "cpu",
    "--profile",
    "--json",
  ]);
  expect(status).toBe(0);
  const result = JSON.parse(stdout);
  expect(result).toMatchObject({ arch: "vit_tiny", batch: 1, locals: 1, outDim: 64, precision: "fp32" });
  expect(result.seconds).toHaveLength(2);
  expect(result.imagesPerSecond).toBeCloseTo(1 / result.medianSeconds, 6);
  expect(result.shareOfPeak).toBeGreaterThan(0);
  expect(result.losses.every(Number.isFinite)).toBe(true);
  expect(result.peakResidentBytes).toBeGreaterThan(2 ** 20);
  expect(result.peakDeviceBytes).toBeNull();
  const phases = Object.values<number>(result.phases);
  expect(phases).toHaveLength(9);
  expect(phases.reduce((sum, seconds) => sum + seconds)).toBeLessThan(1.5 * result.medianSeconds);
});

test("bench step measures a step in parts with blocks computed again: its losses are those of the plain step", () => {
  const args = [...TINY, "--batch", "2", "--steps", "1", "--device", "cpu", "--precision", "fp32", "--json"];
  const run = (extra: readonly string[]) => JSON.parse(benchStep([...args, ...extra]).stdout);
  const plain = run([]);
  const saving = run(["--accumulate", "2", "--checkpoint-blocks"]);
  expect(saving).toMatchObject({ accumulate: 2, checkpointBlocks: "true" });
  saving.losses.forEach((loss: number, step: number) => {
    expect(loss).toBeCloseTo(plain.losses[step], 4);
  });
});

test("without --profile no phase is measured, and lines are for a reader", () => {
  const { status, stdout } = benchStep(TINY);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^settings +arch vit_tiny, batch 1/);
  expect(stdout).toMatch(/TFLOP\/s of matrix products here; the step reaches [\d.]+ % of it/);
  expect(stdout).not.toContain("backward");
});

describe("bench step --trace", () => {
  const quick = [
    ...TINY,
    "--steps",
    "1",
    "--warm-up",
    "0",
    "--device",
    "cpu",
    "--precision",
    "fp32",
    "--json",
  ];

  test("records two more steps in a file, which it replaces, and measures none of them", () => {
    const folder = temporaryFolder();
    const file = join(folder, "made", "trace.json");
    mkdirSync(dirname(file));
    writeFileSync(file, "an older file");
    const { status, stdout, stderr } = benchStep([...quick, "--trace", file]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout).seconds).toHaveLength(1);
    expect(stderr.match(/^step /gm)).toHaveLength(1);
    const events: { name: string; ph: string }[] = JSON.parse(readFileSync(file, "utf8")).traceEvents;
    const embeddings = events.filter(({ name, ph }) => name === "aten::linear" && ph === "X");
    expect(embeddings.length).toBeGreaterThan(0);
    expect(readdirSync(dirname(file))).toEqual(["trace.json"]);
  });

  test("is refused before the steps where the file cannot be written", () => {
    const folder = temporaryFolder();
    const { status, stdout, stderr } = benchStep([...quick, "--trace", folder]);
    expect(status).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/--trace .*: cannot be written: expected a file, received a folder/);
    expect(stderr).not.toMatch(/^step /m);
  });
});

test.each([
  [["--steps", "0"], /expected a whole number of at least 1/],
  [["--precision", "fp8"], /precision/],
  [["--batch", "0"], /training\.batchSize/],
])("%j is a wrong use and exits 2", (args, message) => {
  const { status, stderr } = benchStep(args);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});
