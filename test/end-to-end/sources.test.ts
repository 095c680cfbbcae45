/** Runs by the command line on shards, lists and mixtures. */

import { execFileSync } from "node:child_process";
import { cpSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import type { SkippedRecord } from "../../ts/run/records.js";
import { type Ended, udiNative } from "./command.js";
import { damagePhotos, sharedFolder, writePhotos, writeTinyConfig } from "./photos.js";
import { computed, jsonLines } from "./run-files.js";

const folder = sharedFolder();
const photos = join(folder, "photos");
const shards = join(folder, "photos-{0..1}.tar");
const whole = join(folder, "whole");
const mix = `data.mix=[{path: "${shards}", weight: 2}, {path: ${join(folder, "list.csv")}, weight: 1}]`;
let tiny: string;
let finished: Ended;

beforeAll(async () => {
  tiny = writeTinyConfig(folder);
  await writePhotos(photos, 36);
  damagePhotos(photos, [4, 20]);
  for (const [number, name] of ["coarse", "fine"].entries()) {
    execFileSync("tar", ["-cf", join(folder, `photos-${number}.tar`), "-C", join(photos, name), "."]);
  }
  const listed = ["coarse/0.png,1", "coarse/4.png,1", "fine/1.png,2", "fine/gone.png,2", "coarse/2.png,1"];
  writeFileSync(join(folder, "list.csv"), listed.map((row) => `photos/${row}\n`).join(""));
  finished = await train(whole, "--set", mix);
});

function train(run: string, ...more: string[]): Promise<Ended> {
  const set = ["training.epochs=3", "data.shuffleBuffer=7", "data.maxSkippedShare=0.5"].flatMap((key) => [
    "--set",
    key,
  ]);
  return udiNative("train", tiny, "--out", run, ...set, ...more);
}

test("a mixture of shards and a list trains to its end, over damaged and missing files", () => {
  expect(finished).toMatchObject({ status: 0, signal: null });
  expect(finished.stderr).toContain("data.kind: mixture: data.mix is set");
  expect(finished.stderr).toMatch(/remark: data list .*1 of 5 files of it .* do not exist/);
  const skipped = jsonLines<SkippedRecord>(join(whole, "skipped.jsonl"));
  const reasons = new Map(skipped.map(({ file, reason }) => [file.slice(folder.length + 1), reason]));
  expect(reasons.get("photos/coarse/4.png")).toMatch(/expected an image/);
  expect(reasons.get("photos/fine/gone.png")).toMatch(/does not exist/);
  expect(reasons.get("photos-0.tar/./20.png")).toMatch(/expected an image/);
});

test("after its first checkpoint it goes on to the same end, bit for bit, at another concurrency", async () => {
  const run = join(folder, "resumed");
  cpSync(whole, run, { recursive: true });
  for (const name of readdirSync(join(run, "checkpoints"))
    .sort((a, b) => Number(a) - Number(b))
    .slice(1)) {
    rmSync(join(run, "checkpoints", name), { recursive: true });
  }
  const otherwise = ["data.workers=3", "data.prefetchBatches=5", "data.decodedMegabytes=1"];
  const ended = await train(run, "--set", mix, "--resume", ...otherwise.flatMap((key) => ["--set", key]));
  expect(ended).toMatchObject({ status: 0 });
  expect(computed(run)).toEqual(computed(whole));
});

test("with other weights it does not go on", async () => {
  const ended = await train(whole, "--set", mix.replace("weight: 2", "weight: 3"), "--resume");
  expect(ended.status).toBe(2);
  expect(ended.stderr).toMatch(
    /data: expected the \d+ images that the run .* received \d+ with other names or in another order/,
  );
});

test("--data takes a pattern of shards, and a shard that is cut off costs a remark", async () => {
  const cut = join(folder, "photos-1.tar");
  truncateSync(cut, statSync(cut).size * 0.8);
  const ended = await train(join(folder, "cut"), "--data", shards, "--set", "training.epochs=2");
  expect(ended).toMatchObject({ status: 0 });
  expect(ended.stderr).toMatch(
    /remark: data shard .*photos-1\.tar: it ends in the middle of a member; 1\d whole images are used/,
  );
  expect(ended.stderr).toContain("data.kind: shards: data.path names tar files");
});

test("a shard that is missing is one error, and nothing is written", async () => {
  const ended = await train(join(folder, "missing"), "--data", join(folder, "photos-{0..2}.tar"));
  expect(ended).toMatchObject({ status: 2, stdout: "" });
  expect(ended.stderr).toMatch(/error: data shards .*1 of 3 are missing, the first is photos-2\.tar\nhint: /);
  expect(readdirSync(folder)).not.toContain("missing");
});
