import fc from "fast-check";
import { expect, test } from "vitest";
import { queue } from "../../ts/views/decode-queue.js";

test("at most so many tasks run at once, all of them run, and failures do not block the rest", async () => {
  const tasks = fc.array(fc.record({ turns: fc.integer({ min: 1, max: 4 }), fails: fc.boolean() }), {
    maxLength: 30,
  });
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), tasks, async (width, list) => {
      const run = queue(width);
      let running = 0;
      let most = 0;
      const started: number[] = [];
      const outcomes = await Promise.allSettled(
        list.map(({ turns, fails }, number) =>
          run(async () => {
            started.push(number);
            most = Math.max(most, ++running);
            for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
            running--;
            if (fails) throw new Error(`task ${number}`);
            return number;
          }),
        ),
      );
      expect(most).toBe(Math.min(width, list.length));
      expect(started).toEqual(list.map((_, number) => number));
      expect(outcomes.map(({ status }) => status)).toEqual(
        list.map(({ fails }) => (fails ? "rejected" : "fulfilled")),
      );
    }),
  );
});

test("tasks that wait when it is stopped never start", async () => {
  const stop = new AbortController();
  const run = queue(1, stop.signal);
  const started: string[] = [];
  const first = run(async () => {
    started.push("first");
    stop.abort(new Error("stopped"));
  });
  const second = run(async () => void started.push("second"));
  await first;
  await expect(second).rejects.toThrow("stopped");
  expect(started).toEqual(["first"]);
});
