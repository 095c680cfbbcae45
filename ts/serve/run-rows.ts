/** The table of all runs: what stands in its cells, and by what they are sorted. */
import { numberText, percentText, timeText } from "../number-text.js";
import type { RunSummary } from "../report/run-summary.js";
import type { WatchedRuns } from "./runs-watch.js";

export interface Column {
  readonly id: string;
  readonly title: string;
  /** Numbers end at the same place. */
  readonly number: boolean;
}

export const COLUMNS: readonly Column[] = [
  { id: "name", title: "Run", number: false },
  { id: "state", title: "State", number: false },
  { id: "epoch", title: "Epoch", number: true },
  { id: "step", title: "Step", number: true },
  { id: "loss", title: "Loss", number: true },
  { id: "best", title: "Best k-NN", number: true },
  { id: "watch", title: "Watch", number: false },
  { id: "pace", title: "Images/s", number: true },
  { id: "changed", title: "Changed", number: false },
];

/** One for each column. */
export interface RunRow {
  readonly name: string;
  readonly cells: readonly Cell[];
}

export interface Cell {
  readonly text: string;
  /** What it is sorted by; null: nothing is known, it comes last either way. */
  readonly order: string | number | null;
  /** Names its colour. */
  readonly kind?: string;
  /** ISO 8601: shown as the time that has gone by since. */
  readonly since?: string;
}

export function runRow(run: RunSummary): RunRow {
  const { name, state, epoch, epochs, step, loss, best, signs, imagesPerSecond, changedAt } = run;
  return {
    name,
    cells: [
      { text: name, order: name },
      { text: state, order: state, kind: `state ${state}` },
      { text: `${epoch} / ${epochs ?? "?"}`, order: epoch },
      { text: String(step), order: step },
      { text: loss === null ? "–" : loss.toFixed(4), order: loss },
      {
        text: best === null ? "–" : `${percentText(best.top1)} (k = ${best.neighbours})`,
        order: best?.top1 ?? null,
      },
      signsCell(signs),
      {
        text: imagesPerSecond === null ? "–" : numberText(Number(imagesPerSecond.toPrecision(3))),
        order: imagesPerSecond,
      },
      changedAt === null
        ? { text: "–", order: null }
        : { text: timeText(changedAt), order: Date.parse(changedAt), since: changedAt },
    ],
  };
}

/** Runs in need of a look come last or first. */
function signsCell(signs: RunSummary["signs"]): Cell {
  if (signs === null) return { text: "–", order: null };
  if (signs.length === 0) return { text: "ok", order: 0 };
  return { text: signs.join(", "), order: signs.length, kind: "signs" };
}

/** All that a browser needs to bring its table up to date. */
export interface TableChanges {
  /** Of all runs; those that are not in it have gone. */
  readonly names: readonly string[];
  /** Those that are new or have changed. */
  readonly rows: readonly RunRow[];
  /** Names of runs that are not shown. */
  readonly refused: readonly string[];
}

/** `before` null: nothing is known, everything is new. */
export function tableChanges(before: WatchedRuns | null, now: WatchedRuns): TableChanges {
  const known = new Map(before?.runs.map(({ summary, version }) => [summary.name, version]));
  const changed = now.runs.filter(({ summary, version }) => known.get(summary.name) !== version);
  return {
    names: now.runs.map(({ summary }) => summary.name),
    rows: changed.map(({ summary }) => runRow(summary)),
    refused: now.refused,
  };
}
