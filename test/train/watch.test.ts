/** The collapse watch in runs that are trained for real. */
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { loadConfig, type TrainOptions, train, type WatchRecord } from "../../ts/index.js";
import { sharedFolder, writePhotos, writeTinyConfig } from "../end-to-end/photos.js";
import { computed, jsonLines } from "../end-to-end/run-files.js";

const folder = sharedFolder();
const photos = join(folder, "photos");

beforeAll(() => writePhotos(photos, 48));

async function trained(name: string, set: readonly string[], options: TrainOptions = {}) {
  const config = loadConfig({
    file: writeTinyConfig(folder),
    data: photos,
    out: join(folder, name),
    set: ["evaluate.pictures.everyEpochs=null", ...set],
  });
  const remarks: string[] = [];
  const result = await train(config, { onRemark: (line) => remarks.push(line), ...options });
  const logged = jsonLines<WatchRecord>(join(result.folder, "watch.jsonl"));
  return { ...result, logged, signs: remarks.filter((line) => line.startsWith("sign of a collapse")) };
}

/** What was seen, without the time that it took. */
function seen(records: readonly WatchRecord[]) {
  return records.map(({ seconds: _, ...record }) => record);
}

test("a run that is watched equals one that is not, bit for bit", async () => {
  const head = ["model.head.batchNorm=true"];
  const watched = await trained("watched", head);
  const alone = await trained("alone", [...head, "evaluate.watch.everyEpochs=null"]);
  expect(watched.watch).toHaveLength(7);
  expect(alone.watch).toEqual([]);
  expect(computed(watched.folder)).toEqual(computed(alone.folder));
});

test("the untrained network, every so many epochs and the last teacher are looked at, and told", async () => {
  const told: WatchRecord[] = [];
  const every = ["evaluate.watch.everyEpochs=4", "evaluate.watch.images=20"];
  const { watch, logged, last } = await trained("every", every, { onWatch: (record) => told.push(record) });
  expect(watch.map(({ step, epoch }) => [step, epoch])).toEqual([
    [0, 0],
    [24, 4],
    [36, 6],
  ]);
  expect(told).toEqual(watch);
  expect(logged).toEqual(watch);
  expect(watch.map(({ gradientNorm }) => gradientNorm)).toEqual([
    null,
    expect.any(Number),
    last?.gradientNorm,
  ]);
  expect(watch.map(({ teacherTemperature }) => teacherTemperature)).toEqual([0.04, 0.05, 0.05]);
  // Three batches of 6 of the 20 asked for, none larger than those of training.
  expect(watch.map(({ images }) => images)).toEqual([18, 18, 18]);
  expect(Object.keys(watch[0]?.centerNorms ?? {})).toEqual(["cls", "clsPlus", "patch"]);
});

test("a run that was stopped before a look makes it when it goes on, and comes to the same looks", async () => {
  const whole = await trained("whole", []);
  const stop = new AbortController();
  const stopping = {
    signal: stop.signal,
    onStep: ({ step }: { step: number }) => step === 12 && stop.abort(),
  };
  const first = await trained("stopped", [], stopping);
  expect(first).toMatchObject({ outcome: "interrupted", step: 12 });
  expect(first.watch.map(({ step }) => step)).toEqual([0, 6]);
  const second = await trained("stopped", [], { mode: "resume" });
  expect(second.outcome).toBe("finished");
  expect(seen(second.logged)).toEqual(seen(whole.logged));
});

test("a run that ends before its last look is interrupted, not finished", async () => {
  const stop = new AbortController();
  const onStep = ({ step }: { step: number }) => step === 36 && stop.abort();
  const last = ["evaluate.watch.everyEpochs=0"];
  const first = await trained("short", last, { signal: stop.signal, onStep });
  expect(first).toMatchObject({ outcome: "interrupted", step: 36 });
  const second = await trained("short", last, { mode: "resume" });
  expect(second.outcome).toBe("finished");
  expect(second.watch.map(({ step }) => step)).toEqual([0, 36]);
  expect(second.watch.at(-1)?.gradientNorm).toBe(first.last?.gradientNorm);
});

describe("runs that are broken on purpose", () => {
  test("a sound one shows no sign", async () => {
    const { signs, watch } = await trained("sound", []);
    expect(signs).toEqual([]);
    expect(watch.flatMap((record) => record.signs)).toEqual([]);
  });

  test("without centring all images come to share one prototype", async () => {
    const { signs, watch } = await trained("uncentred", ["objective.centerMomentum=1"]);
    expect(watch.at(-1)?.signs).toEqual(["one prototype"]);
    expect(signs).toEqual([expect.stringContaining("a lower objective.centerMomentum (now 1)")]);
  });

  test("with a teacher that is too warm the outputs become uniform", async () => {
    const warm = ["schedule.teacherTemperature=1", "schedule.warmupTeacherTemperature=1"];
    const { signs, watch } = await trained("warm", warm);
    expect(watch.at(-1)?.signs).toEqual(["uniform outputs"]);
    expect(signs).toEqual([expect.stringContaining("a lower schedule.teacherTemperature (now 1)")]);
  });

  test("a teacher that is its student loses its directions", async () => {
    const { signs, watch } = await trained("hurried", ["schedule.teacherMomentum=0"]);
    expect(watch.at(-1)?.signs).toContain("few directions");
    expect(signs.join("\n")).toContain("a higher schedule.teacherMomentum (now 0)");
  });
});
