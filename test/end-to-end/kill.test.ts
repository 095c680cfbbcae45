/** A run that is killed again and again, with no chance to clean up, comes to the same end, bit for bit. */
import { existsSync, readdirSync, watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test } from "vitest";
import { type RandomStream, randomStream } from "../../ts/random.js";
import { type Command, type Ended, start } from "./command.js";
import { sharedFolder, writePhotos, writeTinyConfig } from "./photos.js";
import { checkpoints, computed, metrics } from "./run-files.js";

/** `UDI_KILLS=20` for more of them, `UDI_KILL_SEED=2` for other moments. */
const KILLS = Number(process.env.UDI_KILLS ?? 6);
const SEED = Number(process.env.UDI_KILL_SEED ?? 1);

/** Long enough for each kill to find a run that is not finished: one costs about two steps. */
const EPOCHS = Math.max(6, Math.ceil(KILLS / 2));
const STEPS = 6 * EPOCHS;

const folder = sharedFolder();
const photos = join(folder, "photos");
const whole = join(folder, "whole");
let tiny: string;

beforeAll(async () => {
  tiny = writeTinyConfig(folder);
  await writePhotos(photos, 48);
  expect((await train(whole).ended).status).toBe(0);
});

/** With a checkpoint after every second step, so that many moments are within one. */
function train(run: string, ...more: string[]): Command {
  const keys = [`training.epochs=${EPOCHS}`, "checkpoint.everySteps=2", "checkpoint.keepLast=2"];
  const set = keys.flatMap((key) => ["--set", key]);
  return start("train", tiny, "--data", photos, "--out", run, ...set, ...more);
}

/** What a kill left behind. */
interface Kill {
  /** Steps in the log, and those of them in a checkpoint. */
  readonly logged: number;
  readonly saved: number;
  /** A checkpoint was being written. */
  readonly torn: boolean;
}

test(`a run that is killed ${KILLS} times comes to the end of one that never was`, async () => {
  const random = randomStream(SEED, "kill");
  const run = join(folder, "killed");
  const kills: Kill[] = [];
  let ended: Ended;
  do {
    const running = train(run, ...(existsSync(join(run, "config.yaml")) ? ["--resume"] : []));
    const moment = kills.length % 2 === 0 ? inStep : inCheckpoint;
    if (kills.length < KILLS)
      moment(run, running, random).then(
        () => running.child.kill("SIGKILL"),
        () => {},
      );
    ended = await running.ended;
    if (ended.signal === "SIGKILL") kills.push(leftBy(run));
  } while (ended.signal === "SIGKILL");
  console.log(`killed at ${kills.map(({ logged, torn }) => `${logged}${torn ? " (torn)" : ""}`).join(", ")}`);

  expect(ended).toMatchObject({ status: 0, signal: null });
  expect(kills.length).toBe(KILLS);
  expect(kills.some(({ torn }) => torn)).toBe(true);
  expect(kills.some(({ logged, saved }) => logged > saved)).toBe(true);
  expect(metrics(run).map(({ step }) => step)).toEqual(
    Array.from({ length: STEPS }, (_, index) => index + 1),
  );
  expect(computed(run)).toEqual(computed(whole));
  expect(unfinished(run)).toEqual([]);
  expect(existsSync(join(run, "run.lock"))).toBe(false);
}, 600_000);

/** Resolves some time after one of the next steps was told: within a step that follows, or between two. */
async function inStep(run: string, { told }: Command, random: RandomStream): Promise<void> {
  await told(`step ${savedIn(run) + random.integer(1, 4)}/${STEPS}`);
  await sleep(random.uniform(0, 40));
}

/** Resolves as soon as a checkpoint under its temporary name is seen, or a little later. */
async function inCheckpoint(run: string, _: Command, random: RandomStream): Promise<void> {
  const parent = join(run, "checkpoints"); // there is an earlier part of the run
  const late = random.chance(0.5);
  await new Promise<void>((resolve) => {
    const watcher = watch(parent, (_, name) => {
      if (!/^\d+\.partial$/.test(String(name))) return;
      watcher.close();
      resolve();
    });
  });
  if (late) await sleep(random.uniform(0, 8));
}

function leftBy(run: string): Kill {
  const logged = existsSync(join(run, "metrics.jsonl")) ? metrics(run).length : 0;
  return { logged, saved: savedIn(run), torn: unfinished(run).length > 0 };
}

/** Steps in the newest checkpoint. */
function savedIn(run: string): number {
  return existsSync(join(run, "checkpoints")) ? (checkpoints(run).at(-1) ?? 0) : 0;
}

function unfinished(run: string): string[] {
  return readdirSync(join(run, "checkpoints")).filter((name) => name.endsWith(".partial"));
}
