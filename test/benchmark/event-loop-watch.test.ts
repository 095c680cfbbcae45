import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { EventLoopWatch } from "../../ts/benchmark/event-loop-watch.js";

function block(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

test("a block is seen, at least as long as it was, and forgotten after a reset", async () => {
  using watch = new EventLoopWatch();
  await sleep(20);
  block(300);
  await sleep(20);
  expect(watch.longestBlock()).toBeGreaterThan(295);
  watch.reset();
  await sleep(20);
  expect(watch.longestBlock()).toBeLessThan(295);
});
