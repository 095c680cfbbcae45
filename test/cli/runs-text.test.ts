import { stripVTControlCharacters } from "node:util";
import { expect, test } from "vitest";
import { runsText } from "../../ts/cli/runs-text.js";
import type { RunSummary } from "../../ts/report/run-summary.js";

const now = new Date("2026-01-02T00:00:00Z");

const run: RunSummary = {
  name: "a",
  folder: "/runs/a",
  state: "running",
  epoch: 3,
  epochs: 18,
  step: 189,
  loss: 2.71658,
  imagesPerSecond: 1234.5,
  best: { top1: 0.614, neighbours: 20, step: 126 },
  signs: ["uniform outputs", "few directions"],
  changedAt: "2026-01-01T21:30:00Z",
  configHash: "0".repeat(64),
};

const empty: RunSummary = {
  ...run,
  name: "sweep/another",
  state: "damaged",
  epoch: 0,
  epochs: null,
  step: 0,
  loss: null,
  imagesPerSecond: null,
  best: null,
  signs: null,
  changedAt: null,
};

function text(...runs: RunSummary[]): string {
  return stripVTControlCharacters(runsText(runs, now));
}

test("each run is a line, and numbers stand under each other", () => {
  expect(text(run, empty)).toMatchInlineSnapshot(`
    "run            state    epoch  step    loss        best k-NN  watch                            images/s  changed
    a              running   3/18   189  2.7166  61.4 % (k = 20)  uniform outputs, few directions      1235  2 h ago
    sweep/another  damaged    0/?     0       -                -  -                                       -  -"
  `);
});

test("a name that would steer the terminal does not", () => {
  expect(runsText([{ ...run, name: "a\u001b[2J\nb" }], now)).toContain("a?[2J?b");
});

test("a folder without runs says so", () => {
  expect(text()).toBe("no runs");
});
