import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ImageSource } from "../../ts/dataset/image-source.js";
import { openViewBatch } from "../../ts/native/engine.js";
import { type WaitSettings, WaitWatch, type WatchedTurn, waitHint } from "../../ts/train/wait-watch.js";
import { withWaits } from "../../ts/train/waits.js";
import type { PartSeconds } from "../../ts/views/part-seconds.js";
import { trainingBatches } from "../../ts/views/training-batches.js";
import { OPTIONS } from "../picture/synthetic.js";
import { imageFolder } from "../views/image-folder.js";

const SETTINGS: WaitSettings = { workers: 2, prefetchBatches: 2, cores: 8 };

/** A turn whose two workers are busy with these shares of their time. */
function turn(step: number, wait: number, shares: Partial<PartSeconds>): WatchedTurn {
  const { read, decode, recipe, render } = { read: 0, decode: 0, recipe: 0, render: 0, ...shares };
  const whole = 2 * (step + wait);
  const seconds = {
    read: read * whole,
    decode: decode * whole,
    recipe: recipe * whole,
    render: render * whole,
  };
  return { report: { seconds: step }, waitSeconds: wait, batch: { seconds } };
}

/** What a watch says of each of some turns; null: nothing. */
function hints(watch: WaitWatch, turns: readonly WatchedTurn[]): (string | null)[] {
  return turns.map((one) => {
    let said: string | null = null;
    watch.add(one, (hint) => {
      said = hint;
    });
    return said;
  });
}

test.each([
  [
    { read: 0.7, decode: 0.2, render: 0.1 },
    SETTINGS,
    /reading files takes 70 % .*data\.workers=8 \(now 2\).*shards/,
  ],
  [{ read: 0.1, decode: 0.6, render: 0.3 }, SETTINGS, /decoding takes 60 % .*data\.workers=4 \(now 2\)/],
  [{ decode: 0.3, recipe: 0.1, render: 0.6 }, SETTINGS, /cropping .* takes 70 % .*data\.workers=4/],
  [{ decode: 0.9, render: 0.1 }, { ...SETTINGS, cores: 2 }, /all 2 cores .*store the images smaller/],
  [{ decode: 0.1, render: 0.9 }, { ...SETTINGS, cores: 2 }, /all 2 cores .*localCrops/],
  [{ decode: 0.2, render: 0.1 }, SETTINGS, /unevenly.*data\.prefetchBatches=4 \(now 2\)/],
])("of work shared as %j the hint names what is slowest, and the setting", (shares, settings, expected) => {
  const hint = waitHint([turn(0.5, 0.5, shares)], settings);
  expect(hint).toMatch(/^the step waits for data 50 % of the time: /);
  expect(hint).toMatch(expected);
});

test("a tenth of the time may be waited", () => {
  expect(waitHint([turn(0.9, 0.1, { read: 1 })], SETTINGS)).toBeNull();
  expect(waitHint([turn(0.89, 0.11, { read: 1 })], SETTINGS)).not.toBeNull();
});

test("the hint is given once in a run, and not for its first batches", () => {
  const said = hints(new WaitWatch(SETTINGS), Array(100).fill(turn(0.1, 0.9, { read: 1 })));
  expect(said.findIndex((hint) => hint !== null)).toBe(3 + 20 - 1);
  expect(said.filter((hint) => hint !== null)).toHaveLength(1);
});

test("one long wait among many turns is worth no word", () => {
  const quiet = Array(60).fill(turn(1, 0.02, { read: 1 }));
  const said = hints(new WaitWatch(SETTINGS), [...quiet, turn(1, 1.5, { read: 1 }), ...quiet]);
  expect(said.every((hint) => hint === null)).toBe(true);
});

test("whatever the numbers, a hint is one line with a setting or a way out", () => {
  const positive = fc.double({ min: 1e-6, max: 100, noNaN: true });
  const anyTurn = fc.record({
    report: fc.record({ seconds: positive }),
    waitSeconds: positive,
    batch: fc.record({
      seconds: fc.record({ read: positive, decode: positive, recipe: positive, render: positive }),
    }),
  });
  const count = fc.integer({ min: 1, max: 256 });
  const anySettings = fc.record({ workers: count, prefetchBatches: count, cores: count });
  fc.assert(
    fc.property(fc.array(anyTurn, { minLength: 1 }), anySettings, (turns, settings) => {
      const hint = waitHint(turns, settings);
      if (hint !== null) expect(hint).toMatch(/^the step waits .*(--set data\.\w+=\d+|smaller).*$/);
    }),
  );
});

/** A folder on a disk that takes its time. */
function slow(source: ImageSource, milliseconds: number): ImageSource {
  return {
    ...source,
    read: async (index) => {
      await sleep(milliseconds);
      return source.read(index);
    },
  };
}

async function hintsOfStream(source: ImageSource, workers: number, stepSeconds: number): Promise<string[]> {
  const said: string[] = [];
  const watch = new WaitWatch({ workers, prefetchBatches: 1, cores: 16 });
  const batches = trainingBatches({
    source,
    crops: { ...OPTIONS, globalSize: 16, localCrops: 0, includePatch: false },
    seed: 0,
    batchSize: 2,
    epochs: 9,
    from: { epoch: 0, index: 0 },
    workers,
    prefetchBatches: 1,
    limits: { maxPixels: 1e6, decodedBytes: 1e8 },
    openBatch: openViewBatch,
  });
  for await (const { value: batch, waitSeconds } of withWaits(batches)) {
    using _views = batch.views;
    await sleep(1000 * stepSeconds);
    watch.add({ batch, waitSeconds, report: { seconds: stepSeconds } }, (hint) => said.push(hint));
  }
  return said;
}

test("of a source whose files come slowly it is said, once, that reading holds up the step", async () => {
  const source = slow(await imageFolder({ images: 6 }), 40);
  const said = await hintsOfStream(source, 1, 0.01);
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/reading files takes \d+ % .*data\.workers=4 \(now 1\)/);
});

test("where the step takes longer than its data nothing is said", async () => {
  expect(await hintsOfStream(await imageFolder({ images: 6 }), 2, 0.06)).toEqual([]);
});
