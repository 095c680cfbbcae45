import { expect, test } from "vitest";
import { PaceMeter } from "../../ts/cli/pace.js";
import { stepAt } from "../run/example-run.js";

function step(seconds: number, dataWaitSeconds: number) {
  return { ...stepAt(1), seconds, dataWaitSeconds, imagesPerSecond: 8 / (seconds + dataWaitSeconds) };
}

test("equal steps have the pace of one of them", () => {
  const meter = new PaceMeter();
  for (let count = 0; count < 20; count++) meter.add(step(0.3, 0.1));
  const pace = meter.add(step(0.3, 0.1));
  expect(pace.secondsPerStep).toBeCloseTo(0.4);
  expect(pace.waiting).toBeCloseTo(0.25);
  expect(pace.imagesPerSecond).toBeCloseTo(20);
});

test("the first step, slow as it is, is forgotten with the second", () => {
  const meter = new PaceMeter();
  meter.add(step(60, 30));
  expect(meter.add(step(0.3, 0.1)).secondsPerStep).toBeCloseTo(0.4);
});

test("one slow step among many moves the pace a little", () => {
  const meter = new PaceMeter();
  for (let count = 0; count < 50; count++) meter.add(step(1, 0));
  const { secondsPerStep } = meter.add(step(2, 0));
  expect(secondsPerStep).toBeGreaterThan(1);
  expect(secondsPerStep).toBeLessThan(1.2);
});
