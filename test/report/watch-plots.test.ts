import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { plotSections } from "../../ts/report/plots.js";
import { readRun } from "../../ts/report/run-facts.js";
import { writeReport } from "../../ts/report/write-report.js";
import { watchAt } from "../run/example-run.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { openExample } from "./example-runs.js";

async function watchedRun(): Promise<string> {
  const folder = join(temporaryFolder(), "a");
  await using run = await openExample(folder);
  for (const step of [0, 3, 6]) await run.logWatch(watchAt(step));
  return folder;
}

test("each number of the collapse watch is a plot of its looks, with its limit in words", async () => {
  const sections = plotSections([await readRun(await watchedRun())]);
  const watch = sections.find(({ id }) => id === "watch");
  expect(watch?.plots.map(({ id }) => id)).toEqual([
    "watch.effectiveRank",
    "watch.spread",
    "watch.divergence",
    "watch.entropyOfMean",
    "watch.meanEntropy",
    "watch.prototypesUsed",
    "watch.agreement",
    "watch.agreementBeyondChance",
    "watch.centerNorm.cls",
    "watch.centerNorm.clsPlus",
    "watch.centerNorm.patch",
  ]);
  const [rank] = watch?.plots ?? [];
  expect(rank?.lines).toEqual([expect.objectContaining({ run: 0, steps: [0, 3, 6], mean: [12, 13.5, 15] })]);
  const divergence = watch?.plots.find(({ id }) => id === "watch.divergence");
  expect(divergence?.note).toContain("below 0.1");
});

test("a report says what the numbers mean", async () => {
  const run = await watchedRun();
  const out = join(run, "..", "report.html");
  await writeReport({ run, out });
  const text = readFileSync(out, "utf8");
  expect(text).toContain("Collapse watch");
  expect(text).toContain("0 in both kinds of collapse. A sign: below 0.1.</p>");
});
