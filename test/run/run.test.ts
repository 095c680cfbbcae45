import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../ts/config/load.js";
import { RunError } from "../../ts/errors.js";
import { enterRun, type RunEntry } from "../../ts/run/enter-run.js";
import { markForRequeue } from "../../ts/run/requeue.js";
import { openRun, type Run } from "../../ts/run/run.js";
import {
  dataset,
  engineAt,
  environment,
  evaluationAt,
  exampleConfig,
  progressAt,
  stepAt,
} from "./example-run.js";
import { temporaryFolder } from "./temporary-folder.js";

interface Entering {
  readonly folder: string;
  readonly mode?: "start" | "resume";
  readonly set?: readonly string[];
  readonly images?: number;
  readonly remarks?: string[];
}

function enter({ folder, mode = "start", set = [], images = dataset.images, remarks = [] }: Entering) {
  const config = exampleConfig(folder, ...set);
  return enterRun({ config, dataset: { ...dataset, images }, mode, onRemark: (line) => remarks.push(line) });
}

async function open(entry: RunEntry): Promise<Run> {
  return openRun(entry, { ...environment, fromStep: entry.checkpoint?.record.step ?? 0 });
}

/** Steps `from … to`, with a checkpoint after `saved`. */
async function train(run: Run, from: number, to: number, saved: number): Promise<void> {
  for (let step = from; step <= to; step++) {
    await run.logStep(stepAt(step), [{ step, epoch: 1, file: `${step}.png`, reason: "empty" }]);
    if (step % 2 === 0) await run.logEvaluation(evaluationAt(step));
    if (step === saved) await run.save(engineAt(step), progressAt(step));
  }
}

/** A folder with a run of five steps and a checkpoint after the third. */
async function stoppedRun(): Promise<string> {
  const folder = join(temporaryFolder(), "run");
  await using run = await open(await enter({ folder }));
  await run.logEvaluation(evaluationAt(0));
  await train(run, 1, 5, 3);
  return folder;
}

function steps(folder: string, name: string): number[] {
  const lines = readFileSync(join(folder, name), "utf8").trimEnd().split("\n");
  return lines.map((line) => (JSON.parse(line) as { step: number }).step);
}

test("a new run writes its configuration and environment and nothing else of its own accord", async () => {
  const folder = join(temporaryFolder(), "deep", "run");
  await using _ = await open(await enter({ folder }));
  expect(readdirSync(folder).sort()).toEqual([
    "checkpoints",
    "config.yaml",
    "environment.json",
    "evaluations.jsonl",
    "metrics.jsonl",
    "run.lock",
    "skipped.jsonl",
    "watch.jsonl",
  ]);
  const told = JSON.parse(readFileSync(join(folder, "environment.json"), "utf8"));
  expect(told).toEqual({ ...environment, earlier: [] });
});

test("the config.yaml of a run is itself a configuration of the same run", async () => {
  const folder = join(temporaryFolder(), "run");
  await using _ = await open(await enter({ folder, set: ["training.epochs=7"] }));
  const config = loadConfig({ file: join(folder, "config.yaml") });
  expect(config).toMatchObject({ output: folder, training: { epochs: 7 }, threads: 2, device: "cpu" });
});

test("entering a folder leaves it as it is", async () => {
  const folder = join(temporaryFolder(), "run");
  (await enter({ folder }))[Symbol.dispose]();
  expect(readdirSync(folder)).toEqual([]);
});

test("a run that was left leaves no lock", async () => {
  expect(existsSync(join(await stoppedRun(), "run.lock"))).toBe(false);
});

test("a run on which a process works is refused to a second one, which is told whom it has met", async () => {
  const folder = await stoppedRun();
  {
    await using _ = await open(await enter({ folder, mode: "resume" }));
    const entering = enter({ folder, mode: "resume" });
    await expect(entering).rejects.toThrow(RunError);
    await expect(entering).rejects.toThrow(
      new RegExp(`received ${folder}, which process ${process.pid} on .+ has, since 20`),
    );
  }
  (await enter({ folder, mode: "resume" }))[Symbol.dispose]();
});

test("what a killed process left of its lock keeps nobody out", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "run.lock"), '{"pid": 1, "host": "here", "since": "then"}');
  (await enter({ folder }))[Symbol.dispose]();
});

test.each(["config.yaml", "metrics.jsonl", "checkpoints"])(
  "a folder with %s in it is refused",
  async (name) => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, name));
    await expect(enter({ folder })).rejects.toThrow(
      `output: expected a folder without a run, received ${folder}, which holds ${name}`,
    );
  },
);

test("files that are none of a run's are left alone", async () => {
  const folder = temporaryFolder();
  for (const name of ["notes.txt", "film.partial"]) writeFileSync(join(folder, name), "mine");
  await using run = await open(await enter({ folder }));
  await train(run, 1, 1, 1);
  for (const name of ["notes.txt", "film.partial"])
    expect(readFileSync(join(folder, name), "utf8")).toBe("mine");
});

test("a path that cannot be a folder is refused", async () => {
  const file = join(temporaryFolder(), "file");
  writeFileSync(file, "");
  await expect(enter({ folder: join(file, "run") })).rejects.toThrow(
    /output: expected a folder that can be written/,
  );
});

test("of two runs that enter the same folder at once the second is refused", async () => {
  const folder = join(temporaryFolder(), "run");
  using _ = await enter({ folder });
  await expect(enter({ folder })).rejects.toThrow(/no other process works on/);
});

test("a resumed run goes on from its newest checkpoint, and its logs are cut to it", async () => {
  const folder = await stoppedRun();
  const entry = await enter({ folder, mode: "resume" });
  expect(entry.checkpoint?.record).toMatchObject(progressAt(3));
  await using run = await open(entry);
  expect(steps(folder, "metrics.jsonl")).toEqual([1, 2, 3]);
  expect(steps(folder, "skipped.jsonl")).toEqual([1, 2, 3]);
  expect(run.logged.evaluations.map(({ step }) => step)).toEqual([0, 2]);
  expect(run.newestCheckpoint).toBe(join(folder, "checkpoints", "3"));
});

test("logs of a resumed run equal those of one that was never stopped", async () => {
  const folder = await stoppedRun();
  await using resumed = await open(await enter({ folder, mode: "resume" }));
  await train(resumed, 4, 8, 8);
  const whole = join(temporaryFolder(), "run");
  await using run = await open(await enter({ folder: whole }));
  await run.logEvaluation(evaluationAt(0));
  await train(run, 1, 8, 8);
  for (const name of ["metrics.jsonl", "skipped.jsonl", "evaluations.jsonl", "watch.jsonl"]) {
    expect(readFileSync(join(folder, name), "utf8")).toBe(readFileSync(join(whole, name), "utf8"));
  }
});

test("another version of what computes is remarked", async () => {
  const folder = await stoppedRun();
  const remarks: string[] = [];
  const entry = await enter({ folder, mode: "resume", remarks });
  const versions = { ...environment.versions, libtorch: "2.12.0", node: "22.0.0" };
  await using _ = await openRun(entry, { ...environment, versions });
  expect(remarks).toEqual(["libtorch was 2.11.0 and is now 2.12.0: the run may not come to the same bits"]);
});

test("environment.json of a resumed run tells of its earlier parts too", async () => {
  const folder = await stoppedRun();
  for (let time = 0; time < 2; time++) {
    await using _ = await open(await enter({ folder, mode: "resume" }));
  }
  const { fromStep, earlier } = JSON.parse(readFileSync(join(folder, "environment.json"), "utf8"));
  expect([fromStep, ...earlier.map((part: { fromStep: number }) => part.fromStep)]).toEqual([3, 3, 0]);
});

test("what a crash left unfinished is swept away", async () => {
  const folder = await stoppedRun();
  mkdirSync(join(folder, "checkpoints", "6.partial"));
  writeFileSync(join(folder, "metrics.jsonl.99.partial"), "");
  await using _ = await open(await enter({ folder, mode: "resume" }));
  expect(existsSync(join(folder, "checkpoints", "6.partial"))).toBe(false);
  expect(existsSync(join(folder, "metrics.jsonl.99.partial"))).toBe(false);
});

test("a run that was stopped before its first checkpoint starts from the beginning, with a remark", async () => {
  const folder = join(temporaryFolder(), "run");
  {
    await using run = await open(await enter({ folder }));
    await run.logEvaluation(evaluationAt(0));
    await train(run, 1, 2, 99);
  }
  const remarks: string[] = [];
  const entry = await enter({ folder, mode: "resume", remarks });
  expect(entry.checkpoint).toBeNull();
  expect(remarks).toEqual([`the run in ${folder} has made no checkpoint yet: it starts from the beginning`]);
  await using run = await open(entry);
  expect(readFileSync(join(folder, "metrics.jsonl"), "utf8")).toBe("");
  expect(run.logged.evaluations.map(({ step }) => step)).toEqual([0]);
});

test("there must be a run to go on with", async () => {
  const folder = temporaryFolder();
  await expect(enter({ folder, mode: "resume" })).rejects.toThrow(
    `output: expected a run to go on with, found none in ${folder}`,
  );
  expect(readdirSync(folder)).toEqual([]);
});

test("a change of what the run computes is refused, and its files stay as they are", async () => {
  const folder = await stoppedRun();
  const before = readFileSync(join(folder, "config.yaml"), "utf8");
  await expect(enter({ folder, mode: "resume", set: ["training.epochs=99"] })).rejects.toThrow(
    /^training\.epochs: expected 12 .* received 99$/,
  );
  await expect(enter({ folder, mode: "resume", images: 150 })).rejects.toThrow(
    /expected the 200 images .* received 150$/,
  );
  expect(readFileSync(join(folder, "config.yaml"), "utf8")).toBe(before);
  expect(steps(folder, "metrics.jsonl")).toEqual([1, 2, 3, 4, 5]);
});

test("a change is refused even if someone has written it into config.yaml too", async () => {
  const folder = await stoppedRun();
  const file = join(folder, "config.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("epochs: 12", "epochs: 99"));
  const entering = enter({ folder, mode: "resume", set: ["training.epochs=99"] });
  await expect(entering).rejects.toThrow(/^training\.epochs: expected 12/);
});

test("a change of how the run is watched and stored is taken over", async () => {
  const folder = await stoppedRun();
  const set = ["logging.everySteps=7", "checkpoint.keepLast=9"];
  await using _ = await open(await enter({ folder, mode: "resume", set }));
  const config = loadConfig({ file: join(folder, "config.yaml") });
  expect(config).toMatchObject({ logging: { everySteps: 7 }, checkpoint: { keepLast: 9 } });
});

test("a config.yaml that is none is an error that names the file", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "config.yaml"), "just: [words");
  await expect(enter({ folder, mode: "resume" })).rejects.toThrow(
    `${join(folder, "config.yaml")}: expected the configuration of a run`,
  );
});

test("no checkpoint is named before there is one", async () => {
  await using run = await open(await enter({ folder: join(temporaryFolder(), "run") }));
  expect(run.newestCheckpoint).toBeNull();
  await train(run, 1, 3, 3);
  await run.settled();
  expect(run.newestCheckpoint).toBe(join(run.folder, "checkpoints", "3"));
});

test("weights from elsewhere adopt the images that they are given, with a remark", async () => {
  const folder = await stoppedRun();
  const record = join(folder, "checkpoints", "3", "checkpoint.json");
  const told = JSON.parse(readFileSync(record, "utf8"));
  writeFileSync(record, JSON.stringify({ ...told, dataset: null, origin: "checkpoint.pth" }));
  const remarks: string[] = [];
  await using run = await open(await enter({ folder, mode: "resume", images: 150, remarks }));
  expect(remarks).toEqual([
    `the run in ${folder} comes from elsewhere: its images are from now on those in /data/photos`,
  ]);
  await run.complete(engineAt(4), progressAt(4));
  const saved = JSON.parse(readFileSync(join(folder, "checkpoints", "4", "checkpoint.json"), "utf8"));
  expect(saved.dataset).toEqual({ ...dataset, images: 150 });
});

test("the mark for a batch system is gone when the run is taken up again", async () => {
  const folder = await stoppedRun();
  await markForRequeue(folder, { signal: "SIGTERM", step: 5, time: "now", command: "npx udi-native …" });
  expect(JSON.parse(readFileSync(join(folder, "requeue"), "utf8"))).toMatchObject({
    signal: "SIGTERM",
    step: 5,
  });
  await using _ = await open(await enter({ folder, mode: "resume" }));
  expect(existsSync(join(folder, "requeue"))).toBe(false);
});
