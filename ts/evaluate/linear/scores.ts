/** Accuracies of all classifiers on a part of the data. */
import type { LabelledRows, Probe } from "../../native/probe.js";

/** Shares in [0, 1]. */
export interface Accuracy {
  readonly top1: number;
  readonly top5: number;
}

export interface Scores {
  /** One a candidate. */
  readonly accuracies: readonly Accuracy[];
  /** For each candidate and image 1 where it is right, else 0. */
  hits(candidate: number): Uint8Array;
}

/** Rows sent at once: a few megabytes. */
const CHUNK_VALUES = 1 << 22;

export async function scoresOf(probe: Probe, part: LabelledRows, candidates: number): Promise<Scores> {
  const count = part.labels.length;
  const ranks = new Int32Array(candidates * count);
  const width = part.rows.length / count;
  const chunk = Math.max(1, Math.floor(CHUNK_VALUES / width));
  for (let start = 0; start < count; start += chunk) {
    const labels = part.labels.subarray(start, start + chunk);
    const rows = part.rows.subarray(start * width, (start + labels.length) * width);
    const found = await probe.ranks({ rows, labels });
    for (let candidate = 0; candidate < candidates; candidate++) {
      const own = found.subarray(candidate * labels.length, (candidate + 1) * labels.length);
      ranks.set(own, candidate * count + start);
    }
  }
  const own = (candidate: number) => ranks.subarray(candidate * count, (candidate + 1) * count);
  return {
    accuracies: Array.from({ length: candidates }, (_, candidate) => ({
      top1: shareBelow(own(candidate), 1),
      top5: shareBelow(own(candidate), 5),
    })),
    hits: (candidate) => Uint8Array.from(own(candidate), (rank) => (rank === 0 ? 1 : 0)),
  };
}

function shareBelow(ranks: Int32Array, limit: number): number {
  return ranks.reduce((hits, rank) => hits + (rank < limit ? 1 : 0), 0) / ranks.length;
}

/**
 * Of the candidates whose loss is a number the one with most hits; of several the one with the larger top-5, then the first.
 * The first of all where no loss is a number.
 */
export function bestOf(accuracies: readonly Accuracy[], losses: readonly (number | null)[]): number {
  const fit = [...accuracies.keys()].filter((at) => typeof losses[at] === "number");
  const of = (at: number) => accuracies[at] as Accuracy;
  const isBetter = (a: Accuracy, b: Accuracy) => (a.top1 - b.top1 || a.top5 - b.top5) > 0;
  return fit.reduce((best, at) => (isBetter(of(at), of(best)) ? at : best), fit[0] ?? 0);
}
