import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CheckpointWriter } from "../../ts/run/checkpoint-writer.js";
import { type CheckpointFacts, checkpointSteps } from "../../ts/run/checkpoints.js";
import { dataset, progressAt, saveText } from "./example-run.js";
import { temporaryFolder } from "./temporary-folder.js";

function factsAt(step: number): CheckpointFacts {
  const versions = { "udi-native": "0.1.0" };
  return { ...progressAt(step), dataset, config: { seed: 0 }, configHash: "b".repeat(64), versions };
}

/** An engine whose states are written only when they are let go. */
class SlowEngine {
  step = 0;
  saves = 0;
  #letGo: (() => void)[] = [];

  async save(file: string) {
    const text = `state after step ${this.step}`; // copied when it is asked for
    this.saves += 1;
    await new Promise<void>((resolve) => this.#letGo.push(resolve));
    return saveText(file, text);
  }

  letGo(): void {
    for (const resolve of this.#letGo.splice(0)) resolve();
  }
}

function writer(parent: string, before: () => Promise<void> = async () => {}): CheckpointWriter {
  const keeping = { keepLast: 9, keepEveryEpochs: 0 };
  return new CheckpointWriter({ parent, newest: null, keeping, before, onRemark: () => {} });
}

test("steps go on while a checkpoint is written, and it holds the state from before them", async () => {
  const [parent, engine] = [temporaryFolder(), new SlowEngine()];
  const checkpoints = writer(parent);
  engine.step = 3;
  await checkpoints.save(engine, factsAt(3));
  engine.step = 4; // resolved already, though nothing is written yet
  expect([checkpoints.newest, checkpointSteps(parent)]).toEqual([null, []]);
  engine.letGo();
  await checkpoints.settled();
  expect(checkpoints.newest).toEqual({ folder: join(parent, "3"), step: 3 });
  expect(readFileSync(join(parent, "3", "state.safetensors"), "utf8")).toBe("state after step 3");
});

test("the next checkpoint waits for an earlier one", async () => {
  const [parent, engine] = [temporaryFolder(), new SlowEngine()];
  const checkpoints = writer(parent);
  await checkpoints.save(engine, factsAt(1));
  const second = checkpoints.save(engine, factsAt(2));
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(engine.saves).toBe(1);
  engine.letGo();
  await second;
  expect([engine.saves, checkpointSteps(parent)]).toEqual([2, [1]]);
  engine.letGo();
  await checkpoints.settled();
  expect(checkpointSteps(parent)).toEqual([2, 1]);
});

test("a checkpoint has its name only when what belongs to it is on the disk too", async () => {
  const parent = temporaryFolder();
  const seen: number[][] = [];
  const checkpoints = writer(parent, async () => void seen.push(checkpointSteps(parent)));
  const engine = new SlowEngine();
  await checkpoints.save(engine, factsAt(7));
  engine.letGo();
  await checkpoints.settled();
  expect([seen, checkpointSteps(parent)]).toEqual([[[]], [7]]);
});

test("a failure is told until one succeeds, and leaves nothing behind", async () => {
  const parent = temporaryFolder();
  const checkpoints = writer(parent);
  await checkpoints.save({ save: () => Promise.reject(new Error("no room")) }, factsAt(1));
  await checkpoints.settled();
  expect([checkpoints.failure?.message, checkpoints.newest]).toEqual(["no room", null]);
  const engine = new SlowEngine();
  await checkpoints.save(engine, factsAt(2));
  engine.letGo();
  await checkpoints.settled();
  expect([checkpoints.failure, checkpoints.newest?.step]).toEqual([null, 2]);
});
