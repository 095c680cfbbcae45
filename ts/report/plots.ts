/** Which plots a report has, and the lines in them. One quantity a plot, one line a run. */
import type { EvaluationRecord } from "../run/records.js";
import type { RunFacts } from "./run-facts.js";
import type { Spread } from "./thinning.js";
import { watchPlots } from "./watch-plots.js";

export interface Plot {
  /** Unique in a report. */
  readonly id: string;
  readonly title: string;
  /** Of the vertical axis; empty: a plain number. */
  readonly unit: string;
  /** A sentence below it: what the values mean. */
  readonly note?: string;
  /** Drawn over the whole width, with a logarithmic axis as an option. */
  readonly main: boolean;
  readonly lines: readonly Line[];
}

export interface Line extends Spread {
  /** Place of the run in the report. */
  readonly run: number;
  readonly steps: readonly number[];
}

export interface PlotSection {
  readonly id: string;
  readonly title: string;
  readonly plots: readonly Plot[];
}

type Naming = Readonly<
  Record<string, { readonly title: string; readonly unit?: string; readonly main?: true }>
>;

const TOKENS: Readonly<Record<string, string>> = { Cls: "cls", ClsPlus: "cls+", Patch: "patches" };

const LOSS: Naming = { loss: { title: "Loss", main: true } };

const SCHEDULES: Naming = {
  learningRate: { title: "Learning rate" },
  weightDecay: { title: "Weight decay" },
  momentum: { title: "Teacher momentum" },
  teacherTemperature: { title: "Teacher temperature" },
};

const GRADIENT: Naming = {
  gradientNorm: { title: "Gradient norm before clipping", main: true },
  lossScale: { title: "Loss scale (fp16)" },
};

const THROUGHPUT: Naming = {
  imagesPerSecond: { title: "Images per second", unit: "images/s" },
  stepSeconds: { title: "Time of a step", unit: "s" },
  waitShare: { title: "Share of the time spent waiting for data", unit: "%" },
};

/** Those that have a value in one of the runs. */
export function plotSections(runs: readonly RunFacts[]): PlotSection[] {
  const data = namesUnder(runs, "data");
  const sections: PlotSection[] = [
    {
      id: "loss",
      title: "Loss",
      plots: plotsOf(runs, {
        ...LOSS,
        ...Object.fromEntries(namesUnder(runs, "level").map((name) => [name, { title: levelTitle(name) }])),
        ...Object.fromEntries(namesUnder(runs, "term").map((name) => [name, { title: termTitle(name) }])),
      }),
    },
    { id: "knn", title: "k-NN accuracy on held-out images", plots: scorePlots(runs) },
    { id: "watch", title: "Collapse watch", plots: watchPlots(runs) },
    { id: "schedules", title: "Schedules", plots: plotsOf(runs, SCHEDULES) },
    { id: "gradient", title: "Gradient", plots: plotsOf(runs, GRADIENT) },
    {
      id: "throughput",
      title: "Throughput",
      plots: plotsOf(runs, {
        ...THROUGHPUT,
        ...Object.fromEntries(data.map((name) => [name, { title: dataTitle(name), unit: "s" }])),
      }),
    },
  ];
  return sections.filter(({ plots }) => plots.length > 0);
}

function namesUnder(runs: readonly RunFacts[], prefix: string): string[] {
  const names = runs.flatMap(({ metrics }) => Object.keys(metrics.series));
  return [...new Set(names.filter((name) => name.startsWith(`${prefix}.`)))];
}

function levelTitle(name: string): string {
  const level = afterDot(name);
  return `Loss of ${TOKENS[level.charAt(0).toUpperCase() + level.slice(1)] ?? level}, mean of its terms`;
}

/** `term.globalClsPlus`: cross-entropy of cls+, global views. */
function termTitle(name: string): string {
  const [, views, token] = /^(global|local)(.+)$/.exec(afterDot(name)) ?? [];
  if (views === undefined || token === undefined) return afterDot(name);
  return `Cross-entropy of ${TOKENS[token] ?? token}, ${views === "global" ? "global views" : "local crops"}`;
}

function dataTitle(name: string): string {
  return `Making a batch: ${afterDot(name)}, all images together`;
}

function afterDot(name: string): string {
  return name.slice(name.indexOf(".") + 1);
}

function plotsOf(runs: readonly RunFacts[], naming: Naming): Plot[] {
  const plots = Object.entries(naming).map(([id, { title, unit = "", main = false }]) => ({
    id,
    title,
    unit,
    main,
    lines: runs.flatMap(({ metrics: { steps, series } }, run): Line[] => {
      const spread = series[id];
      return spread === undefined ? [] : [{ run, steps, ...spread }];
    }),
  }));
  return plots.filter(({ lines }) => lines.length > 0);
}

/** One for each number of neighbours. */
function scorePlots(runs: readonly RunFacts[]): Plot[] {
  const scores = runs.flatMap(({ evaluations }) => evaluations.flatMap((record) => record.scores));
  const numbers = [...new Set(scores.map(({ neighbours }) => neighbours))].sort((a, b) => a - b);
  return numbers.map((neighbours) => ({
    id: `knn.${neighbours}`,
    title: `Top-1 accuracy, k = ${neighbours}`,
    unit: "%",
    main: false,
    lines: runs.flatMap(({ evaluations }, run) => scoreLine(run, evaluations, neighbours)),
  }));
}

function scoreLine(run: number, evaluations: readonly EvaluationRecord[], neighbours: number): Line[] {
  const points = evaluations.flatMap(({ step, scores }) => {
    const score = scores.find((candidate) => candidate.neighbours === neighbours);
    return score === undefined ? [] : [{ step, percent: 100 * score.top1 }];
  });
  if (points.length === 0) return [];
  const values = points.map(({ percent }) => percent);
  return [{ run, steps: points.map(({ step }) => step), mean: values, min: values, max: values }];
}
