import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { withWaits } from "../../ts/train/waits.js";

test("the time that a value takes is measured, and not the time that the loop takes", async () => {
  async function* source() {
    yield "at once";
    await sleep(60);
    yield "late";
    yield "at once again";
  }
  const waits: number[] = [];
  for await (const { waitSeconds } of withWaits(source())) {
    waits.push(waitSeconds);
    await sleep(60);
  }
  const [first, second, third] = waits as [number, number, number];
  expect(second).toBeGreaterThan(0.055);
  expect(first).toBeLessThan(second);
  expect(third).toBeLessThan(0.05);
});

test("while work goes on beside the loop nothing is waited for, and after it only from its end on", async () => {
  async function* source() {
    for (let count = 0; count < 3; count++) {
      await sleep(60);
      yield count;
    }
  }
  const ends = [Number.POSITIVE_INFINITY, performance.now() + 100, 0];
  const waits: number[] = [];
  const busyUntil = () => ends[waits.length] as number;
  for await (const { waitSeconds } of withWaits(source(), undefined, busyUntil)) waits.push(waitSeconds);
  const [during, partly, after] = waits as [number, number, number];
  expect(during).toBe(0);
  expect(partly).toBeLessThan(after);
  expect(after).toBeGreaterThan(0.055);
});

test("leaving the loop ends the source", async () => {
  let ended = false;
  async function* source() {
    try {
      for (let count = 0; ; count++) yield count;
    } finally {
      ended = true;
    }
  }
  for await (const { value } of withWaits(source())) if (value === 2) break;
  expect(ended).toBe(true);
});

test("an aborted signal ends the loop and the source before the next value", async () => {
  const stop = new AbortController();
  const made: number[] = [];
  async function* source() {
    for (let count = 0; ; count++) yield made.push(count);
  }
  const seen: number[] = [];
  for await (const { value } of withWaits(source(), stop.signal)) {
    seen.push(value);
    if (value === 3) stop.abort();
  }
  expect([seen, made]).toEqual([
    [1, 2, 3],
    [0, 1, 2],
  ]);
  for await (const _ of withWaits(source(), stop.signal)) expect.unreachable();
});
