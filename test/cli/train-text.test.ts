import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { expect, test } from "vitest";
import {
  duration,
  evaluationText,
  resultText,
  resumeCommand,
  startText,
  statusText,
} from "../../ts/cli/train-text.js";
import { watchTable } from "../../ts/cli/watch-text.js";
import type { TrainResult } from "../../ts/train/train-options.js";
import { evaluationAt, exampleConfig, stepAt, watchAt } from "../run/example-run.js";

const start = {
  folder: "/runs/a",
  config: exampleConfig("/runs/a"),
  images: 200,
  stepsPerEpoch: 3,
  lastStep: 36,
  step: 0,
};
const pace = { imagesPerSecond: 123.4, waiting: 0.031, secondsPerStep: 2 };

test("a status names epoch, step, time left, loss, learning rate, speed and waiting", () => {
  const status = statusText({ record: stepAt(6), samples: { seen: 384, skipped: 0 }, pace, start });
  expect(status).toBe("epoch 2/12  step 6/36  ETA 1m00s  loss 1.1500  lr 6.0e-4  123 images/s  3 % waiting");
});

test("skipped images are named once there are some", () => {
  const status = statusText({ record: stepAt(6), samples: { seen: 384, skipped: 2 }, pace, start });
  expect(status).toContain("2 skipped");
});

test("the start says what runs on what, and why so", () => {
  const text = startText(start);
  expect(text).toContain("vit_tiny on 200 images: 12 epochs of 3 steps, on cpu in fp32");
  expect(text).toContain("device: cpu: no CUDA device was found");
  expect(startText({ ...start, step: 6 })).toContain("from step 6 on");
});

test("the untrained network and the last teacher stand side by side", () => {
  const trained = { ...evaluationAt(36), scores: [{ neighbours: 10, top1: 0.912, top5: 1 }] };
  const result: TrainResult = {
    outcome: "finished",
    folder: "/runs/a",
    step: 36,
    last: stepAt(36),
    checkpoint: "/runs/a/checkpoints/36",
    evaluations: [evaluationAt(0), evaluationAt(18), trained],
    watch: [watchAt(0), watchAt(36)],
  };
  const text = resultText(result, null);
  expect(text).toMatch(/untrained network +teacher, step 36/);
  expect(text).toMatch(/effective rank +12\.0 of 96 +30\.0 of 96/);
  expect(text).toMatch(/10 neighbours +50\.0 % +91\.2 %/);
  expect(text).toMatch(/checkpoint +\/runs\/a\/checkpoints\/36/);
});

test("a run without evaluations prints no table", () => {
  const run = {
    outcome: "finished",
    folder: "/a",
    step: 3,
    last: null,
    checkpoint: "/a/3",
    evaluations: [],
    watch: [],
  } as const;
  expect(resultText(run, null)).toMatch(/^finished after 3 steps\n/);
});

test("an evaluation is told in one line", () => {
  expect(evaluationText(evaluationAt(0), null)).toBe(
    "held-out k-NN accuracy of the untrained network: 50.0 % (k = 10)",
  );
});

test("a run that starts from given weights calls them so, not untrained", () => {
  expect(evaluationText(evaluationAt(0), "weights.safetensors")).toBe(
    "held-out k-NN accuracy of the given weights: 50.0 % (k = 10)",
  );
  expect(evaluationText(evaluationAt(18), "weights.safetensors")).toContain("of the teacher, step 18:");
});

test("first look and last of the collapse watch stand side by side, with the signs of the last", () => {
  const named = ({ step }: { readonly step: number }) => `step ${step}`;
  const last = { ...watchAt(36), signs: ["uniform outputs"] };
  const text = stripVTControlCharacters(watchTable([watchAt(0), watchAt(18), last], named).join("\n"));
  expect(text).toMatchInlineSnapshot(`
    "collapse watch                        step 0             step 36
    effective rank                    12.0 of 96          30.0 of 96
    divergence from mean               2.00 nats           2.00 nats
    signs of a collapse: uniform outputs
    "
  `);
  expect(watchTable([watchAt(0)], named)).toEqual([]);
});

test("the command to go on fits the shell and the working folder", () => {
  expect(resumeCommand("/runs/a")).toBe("npx udi-native train /runs/a/config.yaml --resume");
  expect(resumeCommand(join(process.cwd(), "runs", "a"))).toBe(
    "npx udi-native train runs/a/config.yaml --resume",
  );
  expect(resumeCommand("/my runs/it's")).toBe(
    `npx udi-native train '/my runs/it'\\''s/config.yaml' --resume`,
  );
});

test("a duration reads back as its seconds, to the smaller of its two units", () => {
  expect([0, 59.4, 59.6, 61, 3599, 3600, 468_420].map(duration)).toEqual([
    "0s",
    "59s",
    "1m00s",
    "1m01s",
    "59m59s",
    "1h00m",
    "130h07m",
  ]);
  const property = fc.property(fc.nat(10_000_000), (seconds) => {
    const parts = [...duration(seconds).matchAll(/(\d+)([hms])/g)];
    const back = parts.reduce(
      (sum, [, n, unit]) => sum + Number(n) * (unit === "h" ? 3600 : unit === "m" ? 60 : 1),
      0,
    );
    expect(seconds - back).toBeGreaterThanOrEqual(0);
    expect(seconds - back).toBeLessThan(seconds < 3600 ? 1 : 60);
  });
  fc.assert(property);
});
