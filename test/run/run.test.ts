import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadConfig } from "../../ts/config/load.js";
import { RunError } from "../../ts/errors.js";
import { enterRun, type RunEntry } from "../../ts/run/enter-run.js";
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
    "skipped.jsonl",
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
  await enter({ folder });
  expect(readdirSync(folder)).toEqual([]);
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

test("two runs that enter the same folder at once: the second to open it is refused", async () => {
  const folder = join(temporaryFolder(), "run");
  const [first, second] = [await enter({ folder }), await enter({ folder })];
  await using _ = await open(first);
  await expect(open(second)).rejects.toThrow(RunError);
});

test("a resumed run goes on from its newest checkpoint, and its logs are cut to it", async () => {
  const folder = await stoppedRun();
  const entry = await enter({ folder, mode: "resume" });
  expect(entry.checkpoint?.record).toMatchObject(progressAt(3));
  await using run = await open(entry);
  expect(steps(folder, "metrics.jsonl")).toEqual([1, 2, 3]);
  expect(steps(folder, "skipped.jsonl")).toEqual([1, 2, 3]);
  expect((await run.evaluations()).map(({ step }) => step)).toEqual([0, 2]);
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
  for (const name of ["metrics.jsonl", "skipped.jsonl", "evaluations.jsonl"]) {
    expect(readFileSync(join(folder, name), "utf8")).toBe(readFileSync(join(whole, name), "utf8"));
  }
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
  expect((await run.evaluations()).map(({ step }) => step)).toEqual([0]);
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
  expect(run.newestCheckpoint).toBe(join(run.folder, "checkpoints", "3"));
});

test("a folder that can no longer be written is an error that names it, and older checkpoints stay", async () => {
  const folder = await stoppedRun();
  await using run = await open(await enter({ folder, mode: "resume" }));
  const full = {
    save: () => Promise.reject(Object.assign(new Error("ENOSPC: disk full"), { syscall: "write" })),
  };
  const saving = run.save(full, progressAt(4));
  await expect(saving).rejects.toThrow(RunError);
  await expect(saving).rejects.toThrow(`run folder ${folder}: cannot be written: ENOSPC`);
  expect(run.newestCheckpoint).toBe(join(folder, "checkpoints", "3"));
  expect(readdirSync(join(folder, "checkpoints"))).toContain("3");
});

test("a folder that was taken away while the run goes on is named too", async () => {
  const folder = await stoppedRun();
  await using run = await open(await enter({ folder, mode: "resume" }));
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "in its place");
  await expect(run.save(engineAt(4), progressAt(4))).rejects.toThrow(
    `run folder ${folder}: cannot be written`,
  );
});
