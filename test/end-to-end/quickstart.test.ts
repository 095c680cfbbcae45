/** The quickstart, made shorter: not how well it learns, but that it does all that it should. */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { EvaluationRecord } from "../../ts/run/records.js";
import { udiNative } from "./command.js";
import { sharedFolder } from "./photos.js";
import { jsonLines, metrics } from "./run-files.js";

const folder = sharedFolder();

const SHORTER = [
  "model.depth=1",
  "model.width=24",
  "model.head.prototypes=32",
  "crops.localCrops=1",
  "training.epochs=1",
  "training.batchSize=512",
  "schedule.warmupEpochs=0",
  "schedule.warmupTeacherTemperatureEpochs=0",
];

test("without a configuration the quickstart trains, and ends with both accuracies side by side", async () => {
  const run = join(folder, "quickstart");
  const { status, stdout, stderr } = await udiNative(
    "train",
    "--out",
    run,
    ...SHORTER.flatMap((key) => ["--set", key]),
  );
  expect(status, stderr).toBe(0);
  const evaluations = jsonLines<EvaluationRecord>(join(run, "evaluations.jsonl"));
  const steps = metrics(run).length;
  expect(evaluations.map(({ step }) => step)).toEqual([0, steps]);
  expect(stdout).toContain("untrained network");
  expect(stdout).toContain(`teacher, step ${steps}`);
  const [before, after] = evaluations.map(({ scores }) => `${(100 * (scores[0]?.top1 ?? 0)).toFixed(1)} %`);
  expect(stdout).toMatch(new RegExp(`10 neighbours +${before} +${after}\\n`));
});
