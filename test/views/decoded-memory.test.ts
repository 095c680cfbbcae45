import fc from "fast-check";
import { expect, test } from "vitest";
import { memoryRoom } from "../../ts/views/decoded-memory.js";

test("never more is held than the limit, unless by one alone, and everybody gets room in the order of asking", async () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(sizes, fc.scheduler(), async (asked, scheduler) => {
      const room = memoryRoom(100);
      const admitted: number[] = [];
      let [held, holders] = [0, 0];
      const work = asked.map(async (bytes, index) => {
        using _ = await room(bytes);
        admitted.push(index);
        held += bytes;
        holders++;
        expect(held <= 100 || holders === 1).toBe(true);
        await scheduler.schedule(Promise.resolve());
        held -= bytes;
        holders--;
      });
      await scheduler.waitFor(Promise.all(work));
      expect(admitted).toEqual(asked.map((_, index) => index));
    }),
  );
});

test("room that is given back twice counts once", async () => {
  const room = memoryRoom(10);
  const first = await room(10);
  first[Symbol.dispose]();
  first[Symbol.dispose]();
  await room(10);
  let admitted = false;
  void room(1).then(() => {
    admitted = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(admitted).toBe(false);
});
