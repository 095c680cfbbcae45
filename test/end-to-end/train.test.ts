/** A whole run by the command line, and the same run in parts. */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { loadConfig } from "../../ts/config/load.js";
import type { EvaluationRecord, SkippedRecord, StepRecord } from "../../ts/run/records.js";
import { type Ended, start, udiNative } from "./command.js";
import { damagePhotos, sharedFolder, writePhotos, writeTinyConfig } from "./photos.js";
import { checkpoints, computed, jsonLines, metrics } from "./run-files.js";

const folder = sharedFolder();
const photos = join(folder, "photos");
const whole = join(folder, "whole");
let tiny: string;
let finished: Ended;

beforeAll(async () => {
  tiny = writeTinyConfig(folder);
  await writePhotos(photos, 48);
  finished = await train(whole);
});

function train(run: string, ...more: string[]): Promise<Ended> {
  return udiNative("train", tiny, "--data", photos, "--out", run, ...more);
}

/** A copy of the whole run as it stood when its checkpoint after `step` steps had just been written. */
function runUpTo(step: number): string {
  const run = join(folder, `up-to-${step}`);
  cpSync(whole, run, { recursive: true });
  for (const later of checkpoints(run).filter((other) => other > step)) {
    rmSync(join(run, "checkpoints", String(later)), { recursive: true });
  }
  return run;
}

test("a run trains to its end and says on stdout where its result is", () => {
  expect(finished).toMatchObject({ status: 0, signal: null });
  expect(finished.stdout).toMatch(/finished after 36 steps, loss \d+\.\d+\n/);
  expect(finished.stdout).toContain(join(whole, "checkpoints", "36"));
  expect(finished.stderr).toContain("epoch 6/6  step 36/36  ETA 0s");
});

test("a run leaves its files, and nothing unfinished", () => {
  expect(readdirSync(whole).sort()).toEqual([
    "checkpoints",
    "config.yaml",
    "environment.json",
    "evaluations.jsonl",
    "metrics.jsonl",
    "skipped.jsonl",
    "watch.jsonl",
  ]);
  expect(checkpoints(whole)).toEqual([6, 12, 18, 24, 30, 36]);
  expect(readdirSync(join(whole, "checkpoints", "36")).sort()).toEqual([
    "checkpoint.json",
    "state.safetensors",
  ]);
});

test("metrics.jsonl has a finite line for every step, and the loss falls", () => {
  const lines = metrics(whole);
  expect(lines.map(({ step }) => step)).toEqual(Array.from({ length: 36 }, (_, index) => index + 1));
  expect(lines.map(({ epoch }) => epoch).filter((epoch) => epoch === 2)).toHaveLength(6);
  for (const line of lines) {
    expect(Object.keys(line.levels).sort()).toEqual(["cls", "clsPlus", "patch"]);
    const numbers = [line.loss, line.gradientNorm, line.seconds, line.imagesPerSecond, line.dataWaitSeconds];
    for (const value of numbers) expect(Number.isFinite(value)).toBe(true);
  }
  const [first, ...later] = [0, 6, 12, 18].map((start) => meanLoss(lines.slice(start, start + 6)));
  expect(Math.min(...later)).toBeLessThan((first as number) - 0.5);
});

function meanLoss(lines: readonly StepRecord[]): number {
  return lines.reduce((sum, { loss }) => sum + loss, 0) / lines.length;
}

test("config.yaml is a configuration, and environment.json tells on what the run ran", () => {
  const config = loadConfig({ file: join(whole, "config.yaml") });
  expect(config).toMatchObject({ output: whole, data: { path: photos, kind: "class-folders" } });
  const environment = JSON.parse(readFileSync(join(whole, "environment.json"), "utf8"));
  expect(environment).toMatchObject({
    fromStep: 0,
    device: { name: "cpu", precision: "fp32", threads: 1, gpu: null },
    dataset: { path: photos, images: 48 },
    reasons: { "data.kind": expect.stringContaining("class-folders") },
  });
  expect(environment.versions.libtorch).toMatch(/^2\.11\.0/);
});

test("three epochs and three more equal six, bit for bit", async () => {
  const run = runUpTo(18);
  const { status, stderr } = await udiNative("train", join(run, "config.yaml"), "--out", run, "--resume");
  expect(status).toBe(0);
  expect(stderr).toContain("from step 18 on");
  expect(computed(run)).toEqual(computed(whole));
});

test("a damaged newest checkpoint is passed over with a remark, and the run comes to the same end", async () => {
  const run = runUpTo(12);
  writeFileSync(join(run, "checkpoints", "12", "state.safetensors"), "torn");
  const { status, stderr } = await train(run, "--resume");
  expect(status).toBe(0);
  expect(stderr).toMatch(/remark: the checkpoint .*checkpoints\/12 is damaged and is passed over/);
  expect(stderr).toContain("from step 6 on");
  expect(computed(run)).toEqual(computed(whole));
});

test("workers, prefetching and frequency of checkpoints do not change what is computed", async () => {
  const run = join(folder, "otherwise");
  const others = [
    "data.workers=4",
    "data.prefetchBatches=5",
    "checkpoint.everyEpochs=4",
    "checkpoint.keepLast=1",
  ];
  const { status } = await train(run, ...others.flatMap((other) => ["--set", other]));
  expect(status).toBe(0);
  expect(checkpoints(run)).toEqual([36]);
  expect(computed(run)).toEqual(computed(whole));
});

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 0],
  ["SIGUSR1", 0],
] as const)("%s leaves a checkpoint and the command that goes on to the same end", async (name, status) => {
  const run = join(folder, name);
  const stopped = start("train", tiny, "--data", photos, "--out", run);
  await stopped.told("step 2/36");
  stopped.child.kill(name);
  const ended = await stopped.ended;
  expect(ended).toMatchObject({ status, stdout: "" });
  const step = Number(/stopped after step (\d+)/.exec(ended.stderr)?.[1]);
  expect(checkpoints(run).at(-1)).toBe(step);
  expect(metrics(run)).toHaveLength(step);
  const command = /go on with: (npx udi-native (.*))/.exec(ended.stderr) as RegExpExecArray;
  const marker = join(run, "requeue");
  expect(existsSync(marker)).toBe(status === 0);
  if (status === 0) {
    const told = { signal: name, step, time: expect.any(String), command: command[1] };
    expect(JSON.parse(readFileSync(marker, "utf8"))).toEqual(told);
  }
  expect((await udiNative(...(command[2] as string).split(" "))).status).toBe(0);
  expect(existsSync(marker)).toBe(false);
  expect(computed(run)).toEqual(computed(whole));
});

test("a terminal that is closed costs no step, though nothing can be said any more", async () => {
  const run = join(folder, "closed");
  const stopped = start("train", tiny, "--data", photos, "--out", run);
  await stopped.told("step 2/36");
  for (const stream of [stopped.child.stdout, stopped.child.stderr]) stream?.destroy();
  stopped.child.kill("SIGHUP");
  expect(await stopped.ended).toMatchObject({ status: null, signal: "SIGHUP" });
  expect(metrics(run)).toHaveLength(checkpoints(run).at(-1) as number);
  expect(existsSync(join(run, "requeue"))).toBe(false);
});

test("a second process that would go on with a run is refused, and the run is not disturbed", async () => {
  const run = join(folder, "twice");
  const first = start("train", tiny, "--data", photos, "--out", run);
  await first.told("step 7/36");
  first.child.kill("SIGSTOP");
  const second = await train(run, "--resume");
  first.child.kill("SIGCONT");
  expect(second.status).toBe(2);
  expect(second.stderr).toMatch(
    new RegExp(
      `error: output: expected a run that no other process works on, .* process ${first.child.pid} on `,
    ),
  );
  expect((await first.ended).status).toBe(0);
  expect(computed(run)).toEqual(computed(whole));
});

test("a finished run that is resumed has nothing left to do and says so again", async () => {
  const run = runUpTo(36);
  const { status, stdout } = await train(run, "--resume");
  expect(status).toBe(0);
  expect(stdout).toContain("finished after 36 steps");
  expect(computed(run)).toEqual(computed(whole));
});

test("a run without a checkpoint starts from the beginning, with a remark", async () => {
  const run = runUpTo(0);
  const { status, stderr } = await train(run, "--resume");
  expect(status).toBe(0);
  expect(stderr).toContain("has made no checkpoint yet: it starts from the beginning");
  expect(computed(run)).toEqual(computed(whole));
});

test("an evaluation that a crash prevented is made up for, and the result is the same", async () => {
  const knn = ["everyEpochs=2", `heldOut=${photos}`, "neighbours=[5]"];
  const evaluate = knn.flatMap((value) => ["--set", `evaluate.knn.${value}`]);
  const run = join(folder, "evaluated");
  const { status, stdout } = await train(run, ...evaluate);
  expect(status).toBe(0);
  expect(stdout).toMatch(/5 neighbours +\d+\.\d % +\d+\.\d %\n/);
  const log = join(run, "evaluations.jsonl");
  const evaluations = jsonLines<EvaluationRecord>(log);
  expect(evaluations.map(({ step }) => step)).toEqual([0, 12, 24, 36]);
  expect(computed(run)).toEqual(computed(whole));

  for (const step of ["30", "36"]) rmSync(join(run, "checkpoints", step), { recursive: true });
  writeFileSync(
    log,
    evaluations
      .slice(0, 2)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join(""),
  );
  expect((await train(run, ...evaluate, "--resume")).status).toBe(0);
  expect(jsonLines<EvaluationRecord>(log)).toEqual(evaluations);
});

test("an undecodable image is skipped, counted and listed", async () => {
  const data = join(folder, "one-damaged");
  await writePhotos(data, 48);
  const [file] = damagePhotos(data, [7]);
  const run = join(folder, "skipping");
  const { status, stderr } = await udiNative("train", tiny, "--data", data, "--out", run);
  expect(status).toBe(0);
  expect(stderr).toMatch(/step 36\/36 .*6 skipped/);
  const skipped = jsonLines<SkippedRecord>(join(run, "skipped.jsonl"));
  expect(skipped.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6]);
  expect(skipped[0]).toEqual({ step: expect.any(Number), epoch: 1, file, reason: expect.any(String) });
});

test("too many undecodable images stop the run, and a higher limit lets it go on", async () => {
  const data = join(folder, "many-damaged");
  await writePhotos(data, 48);
  damagePhotos(data, [1, 2, 3, 4]);
  const run = join(folder, "stopping");
  const { status, stderr } = await udiNative("train", tiny, "--data", data, "--out", run);
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /error: images: expected at most 5 % that cannot be decoded .* received 7\.69 %: 4 of 52/,
  );
  expect(checkpoints(run)).toEqual([metrics(run).length]); // no step is lost for it
  const config = join(run, "config.yaml");
  const mended = await udiNative("train", config, "--resume", "--set", "data.maxSkippedShare=0.5");
  expect(mended.status).toBe(0);
  expect(metrics(run)).toHaveLength(36);
});

test("a loss that is not finite ends the run with step, term and the last good checkpoint", async () => {
  const run = join(folder, "diverging");
  const huge = ["--set", "schedule.learningRate=1e30", "--set", "schedule.freezeLastLayerEpochs=0"];
  const { status, stderr } = await train(run, ...huge, "--set", "checkpoint.everySteps=1");
  expect(status).toBe(1);
  const last = checkpoints(run).at(-1) as number;
  expect(stderr).toMatch(
    new RegExp(`error: .*step ${last + 1}.*last good checkpoint: ${run}/checkpoints/${last}\n`),
  );
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(metrics(run)).toHaveLength(last);
});
