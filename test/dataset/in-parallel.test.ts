import fc from "fast-check";
import { expect, test } from "vitest";
import { inParallel } from "../../ts/dataset/in-parallel.js";

test("results stand in the order of the items, whatever ends first", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer(), { maxLength: 100 }), fc.scheduler(), async (items, scheduler) => {
      const results = inParallel(items, (item, index) => scheduler.schedule(Promise.resolve([item, index])));
      expect(await scheduler.waitFor(results)).toEqual(items.map((item, index) => [item, index]));
    }),
  );
});

test("after a failure nothing new is begun, and what was begun has ended", async () => {
  const items = Array.from({ length: 1000 }, (_, index) => index);
  let [begun, ended] = [0, 0];
  const work = inParallel(items, async (item) => {
    begun++;
    await new Promise((resolve) => setImmediate(resolve));
    ended++;
    if (item === 40) throw new Error("40");
  });
  await expect(work).rejects.toThrow("40");
  expect(begun).toBeLessThan(110);
  expect(ended).toBe(begun);
});
