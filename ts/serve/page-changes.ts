/** What has changed between two states of a page: all that a browser needs to be up to date. */
import type { PageData } from "../report/page.js";
import type { Line, Plot } from "../report/plots.js";
import type { ServedRuns } from "./served-runs.js";

export interface PageChanges {
  /** Ids of all sections, in their order. */
  readonly order: readonly string[];
  /** HTML of those that have changed, and of the list of sections, by id. */
  readonly fragments: Readonly<Record<string, string>>;
  readonly names: readonly string[];
  readonly epochs: PageData["epochs"];
  /** Plots of which something has changed, with the lines that have. */
  readonly plots: readonly PlotChange[];
}

export interface PlotChange extends Omit<Plot, "lines"> {
  readonly lines: readonly LineChange[];
}

/** The points of a line from one on; those before it stay as they are. */
export interface LineChange extends Line {
  readonly from: number;
}

/** `before` null: nothing is known, everything is new. */
export function pageChanges(before: ServedRuns | null, now: ServedRuns): PageChanges {
  const fragments = [...now.fragments].filter(([id, text]) => before?.fragments.get(id) !== text);
  const { names, epochs, plots } = now.data;
  return {
    order: now.sections.map(({ id }) => id),
    fragments: Object.fromEntries(fragments),
    names,
    epochs,
    plots: plots.flatMap((plot) =>
      plotChange(
        before?.data.plots.find(({ id }) => id === plot.id),
        plot,
      ),
    ),
  };
}

function plotChange(before: Plot | undefined, now: Plot): PlotChange[] {
  const lines = now.lines.flatMap((line) =>
    lineChange(
      before?.lines.find(({ run }) => run === line.run),
      line,
    ),
  );
  return lines.length === 0 ? [] : [{ ...now, lines }];
}

function lineChange(before: Line | undefined, now: Line): LineChange[] {
  const from = before === undefined ? 0 : firstDifference(before, now);
  if (before !== undefined && from === now.steps.length && from === before.steps.length) return [];
  const { steps, mean, min, max } = now;
  return [
    {
      ...now,
      from,
      steps: steps.slice(from),
      mean: mean.slice(from),
      min: min.slice(from),
      max: max.slice(from),
    },
  ];
}

/** The length of the shorter one, where it is the beginning of the other. */
function firstDifference(before: Line, now: Line): number {
  const shorter = Math.min(before.steps.length, now.steps.length);
  for (let place = 0; place < shorter; place++) {
    if (!isSamePoint(before, now, place)) return place;
  }
  return shorter;
}

function isSamePoint(before: Line, now: Line, place: number): boolean {
  return (
    before.steps[place] === now.steps[place] &&
    before.mean[place] === now.mean[place] &&
    before.min[place] === now.min[place] &&
    before.max[place] === now.max[place]
  );
}
