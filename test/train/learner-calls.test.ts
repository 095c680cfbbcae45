/** What the loop asks of the learner while a step is underway. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, test, vi } from "vitest";
import { loadConfig, train } from "../../ts/index.js";
import type { Native } from "../../ts/native/engine.js";
import { sharedFolder, writePhotos, writeTinyConfig } from "../end-to-end/photos.js";
import { checkpoints, metrics } from "../end-to-end/run-files.js";

interface Call {
  readonly name: string;
  /** Steps underway when it was made. */
  readonly underway: number;
}

const seen = vi.hoisted(() => ({
  calls: [] as Call[],
  underway: 0,
  given: 0,
  onGiven: () => {},
  /** Number of the step that the learner fails to make. */
  failing: null as number | null,
}));

vi.mock("../../ts/native/engine.js", async (original) => {
  const engine = await original<typeof import("../../ts/native/engine.js")>();
  return { ...engine, openEngine: async (options: never) => watched(await engine.openEngine(options)) };
});

const STEPS = 18;

/** Behind checkpoints after every 4 steps, and behind every epoch of 6. */
const SETTLED_BEFORE: ReadonlySet<number> = new Set([1, 5, 7, 9, 13, 17, STEPS + 1]);

/** The same learner, which says that a step is made no sooner than it has the next, where it is to be given it. */
function watched(native: Native): Native {
  const stepUdi: Native["stepUdi"] = async (...given) => {
    seen.onGiven();
    seen.underway += 1;
    seen.given += 1;
    const alone = SETTLED_BEFORE.has(seen.given + 1);
    const nextIsGiven = new Promise<void>((resolve) => {
      seen.onGiven = resolve;
    });
    if (seen.given === seen.failing) {
      await nextIsGiven;
      throw new Error("of the learner");
    }
    const report = await native.stepUdi(...given);
    await (alone || seen.failing !== null ? sleep(20) : nextIsGiven);
    seen.underway -= 1;
    return report;
  };
  return new Proxy(native, {
    get: (_, name: keyof Native) => {
      const value = name === "stepUdi" ? stepUdi : native[name];
      if (typeof value !== "function") return value;
      return (...given: unknown[]) => {
        seen.calls.push({ name: String(name), underway: seen.underway });
        return (value as (...all: unknown[]) => unknown).apply(native, given);
      };
    },
  });
}

const folder = sharedFolder();
const photos = join(folder, "photos");

const run = join(folder, "run");

beforeAll(async () => {
  await writePhotos(photos, 48);
  const looks = ["knn.heldOut", "knn.train"].map((key) => `evaluate.${key}=${photos}`);
  const set = [
    ...looks,
    "evaluate.knn.everyEpochs=1",
    "evaluate.knn.neighbours=[5]",
    "evaluate.pictures.everyEpochs=1",
    "checkpoint.everySteps=4",
    "checkpoint.everyEpochs=3",
    "training.epochs=3",
    "schedule.warmupTeacherTemperatureEpochs=1",
  ];
  await train(loadConfig({ file: writeTinyConfig(folder), data: photos, out: run, set }));
});

function callsOf(name: string): Call[] {
  return seen.calls.filter((call) => call.name === name);
}

test("a step is given while the one before it is underway, but for where something is due between them", () => {
  const expected = Array.from({ length: STEPS }, (_, at) => (SETTLED_BEFORE.has(at + 1) ? 0 : 1));
  expect(callsOf("stepUdi").map(({ underway }) => underway)).toEqual(expected);
});

test.each(["save", "inspection", "embed", "tokens", "attention"])("%s finds no step underway", (name) => {
  const calls = callsOf(name);
  expect(calls.length).toBeGreaterThan(3);
  expect(calls.filter(({ underway }) => underway > 0)).toEqual([]);
});

test("where a step fails, the one made behind it gets into no checkpoint", async () => {
  Object.assign(seen, { underway: 0, given: 0, failing: 3 });
  const out = join(folder, "failing");
  const config = loadConfig({ file: writeTinyConfig(folder), data: photos, out });
  await expect(train(config)).rejects.toThrow("of the learner");
  expect(seen.given).toBe(4);
  expect(metrics(out).map(({ step }) => step)).toEqual([1, 2]);
  expect(checkpoints(out)).toEqual([]);
});
