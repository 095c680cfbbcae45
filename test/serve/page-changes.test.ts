import fc from "fast-check";
import { expect, test } from "vitest";
import type { Line, Plot } from "../../ts/report/plots.js";
import { Thinning } from "../../ts/report/thinning.js";
import { type LineChange, pageChanges } from "../../ts/serve/page-changes.js";
import type { ServedRuns } from "../../ts/serve/served-runs.js";

const MOST = 8;

function lineOf(run: number, values: readonly number[]): Line {
  const thinning = new Thinning(MOST);
  values.forEach((loss, index) => {
    thinning.add({ step: index + 1, values: { loss } });
  });
  const { steps, series } = thinning.result();
  return { run, steps, ...(series.loss ?? { mean: [], min: [], max: [] }) };
}

function pageOf(lines: readonly Line[], fragments: Readonly<Record<string, string>> = {}): ServedRuns {
  const plot: Plot = { id: "loss", title: "Loss", unit: "", main: true, lines };
  const data = { names: ["a", "b"], epochs: [[], []], plots: lines.length === 0 ? [] : [plot] };
  return { id: "1", title: "a", sections: [], fragments: new Map(Object.entries(fragments)), data };
}

/** What a browser makes of it. */
function applied(before: readonly Line[], changes: readonly LineChange[]): Line[] {
  const known = new Map(before.map((line) => [line.run, line]));
  for (const { from, ...change } of changes) {
    const { steps = [], mean = [], min = [], max = [] } = known.get(change.run) ?? {};
    known.set(change.run, {
      ...change,
      steps: [...steps.slice(0, from), ...change.steps],
      mean: [...mean.slice(0, from), ...change.mean],
      min: [...min.slice(0, from), ...change.min],
      max: [...max.slice(0, from), ...change.max],
    });
  }
  return [...known.values()];
}

const values = fc.array(fc.double({ noNaN: true }), { maxLength: 60 });

test("with the changes an old page is as the new one, whatever was added, thinned or cut meanwhile", () => {
  const property = fc.property(values, values, fc.nat(60), (first, more, kept) => {
    const before = [lineOf(0, first), lineOf(1, first)];
    const now = [lineOf(0, [...first.slice(0, kept), ...more]), lineOf(1, first)];
    const { plots } = pageChanges(pageOf(before), pageOf(now));
    expect(applied(before, plots[0]?.lines ?? [])).toEqual(now);
  });
  fc.assert(property);
});

test("one more step costs one point, and nothing of lines that stay as they are", () => {
  const before = pageOf([lineOf(0, [3, 2]), lineOf(1, [5])]);
  const { plots } = pageChanges(before, pageOf([lineOf(0, [3, 2, 1]), lineOf(1, [5])]));
  expect(plots).toHaveLength(1);
  expect(plots[0]?.lines).toEqual([{ run: 0, from: 2, steps: [3], mean: [1], min: [1], max: [1] }]);
});

test("who knows nothing is told everything, who knows all is told nothing", () => {
  const page = pageOf([lineOf(0, [3, 2])], { overview: "<section>1</section>" });
  const everything = pageChanges(null, page);
  expect(everything.plots[0]?.lines[0]).toMatchObject({ from: 0, steps: [1, 2] });
  expect(everything.fragments).toEqual({ overview: "<section>1</section>" });
  expect(pageChanges(page, page)).toMatchObject({ fragments: {}, plots: [] });
});

test("of the tables those are told that have changed", () => {
  const before = pageOf([], { overview: "1", scores: "2" });
  const { fragments } = pageChanges(before, pageOf([], { overview: "1", scores: "3" }));
  expect(fragments).toEqual({ scores: "3" });
});
