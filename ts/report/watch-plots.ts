/** Plots of the collapse watch: one line a run, a point a look. */
import type { WatchRecord } from "../run/records.js";
import { CHANCE_ERRORS, LEAST_DIVERGENCE, LEAST_SHARE } from "../train/collapse-signs.js";
import type { Line, Plot } from "./plots.js";
import type { RunFacts } from "./run-facts.js";

interface Quantity {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  /** What it is, and from where on it is a sign of a collapse. */
  readonly note: string;
  readonly value: (record: WatchRecord) => number | undefined;
}

const FALLEN = `A sign of a collapse: below ${LEAST_SHARE} of the first value.`;

const QUANTITIES: readonly Quantity[] = [
  {
    id: "effectiveRank",
    title: "Effective rank of the teacher's features",
    unit: "",
    note: `How many directions they use (RankMe). ${FALLEN}`,
    value: ({ effectiveRank }) => effectiveRank,
  },
  {
    id: "spread",
    title: "Spread of the teacher's features",
    unit: "",
    note: `1: in all directions alike, 0: all the same. ${FALLEN}`,
    value: ({ spread }) => spread,
  },
  {
    id: "divergence",
    title: "Divergence from the mean distribution",
    unit: "nats",
    note: `Of the teacher's distributions over prototypes: 0 in both kinds of collapse. A sign: below ${LEAST_DIVERGENCE}.`,
    value: ({ divergence }) => divergence,
  },
  {
    id: "entropyOfMean",
    title: "Entropy of the mean distribution",
    unit: "%",
    note: "Of the largest, ln D. Without divergence: above 50 % all outputs are uniform, below all images share few prototypes.",
    value: ({ entropyOfMean, largestEntropy }) => (100 * entropyOfMean) / largestEntropy,
  },
  {
    id: "meanEntropy",
    title: "Mean entropy of the single distributions",
    unit: "%",
    note: "Of the largest, ln D. Low: the teacher is sure of each image's prototype.",
    value: ({ meanEntropy, largestEntropy }) => (100 * meanEntropy) / largestEntropy,
  },
  {
    id: "prototypesUsed",
    title: "Prototypes in use",
    unit: "%",
    note: "Those that are the most probable one of some image, of as many as could be.",
    value: ({ prototypesUsed }) => 100 * prototypesUsed,
  },
  {
    id: "agreement",
    title: "Agreement of student and teacher",
    unit: "%",
    note: "Images whose most probable prototype is the same for both, on two views.",
    value: ({ agreement }) => 100 * agreement,
  },
  {
    id: "agreementBeyondChance",
    title: "Agreement beyond chance",
    unit: "%",
    note: `Less what choosing as often, but independently, would give. A sign: within ${CHANCE_ERRORS} standard errors of 0.`,
    value: ({ agreement, chanceAgreement }) => 100 * (agreement - chanceAgreement),
  },
  ...Object.entries({ cls: "cls", clsPlus: "cls+", patch: "patches" }).map(([level, name]) => ({
    id: `centerNorm.${level}`,
    title: `Norm of the centre of ${name}`,
    unit: "",
    note: "What is taken out of the teacher's logits.",
    value: ({ centerNorms }: WatchRecord) => centerNorms[level],
  })),
];

export function watchPlots(runs: readonly RunFacts[]): Plot[] {
  const plots = QUANTITIES.map((quantity) => ({
    id: `watch.${quantity.id}`,
    title: quantity.title,
    unit: quantity.unit,
    note: quantity.note,
    main: false,
    lines: runs.flatMap(({ watch }, run) => line(run, watch, quantity)),
  }));
  return plots.filter(({ lines }) => lines.length > 0);
}

function line(run: number, watch: readonly WatchRecord[], { value }: Quantity): Line[] {
  const points = watch.flatMap((record) => {
    const found = value(record);
    return found === undefined ? [] : [{ step: record.step, value: found }];
  });
  if (points.length === 0) return [];
  const values = points.map((point) => point.value);
  return [{ run, steps: points.map(({ step }) => step), mean: values, min: values, max: values }];
}
