/** The table of `udi-native runs`. */
import pc from "picocolors";
import type { RunState } from "../report/run-state.js";
import type { BestScore, RunSummary } from "../report/run-summary.js";

const COLOURS: Readonly<Record<RunState, (text: string) => string>> = {
  running: pc.green,
  finished: pc.blue,
  stopped: pc.dim,
  requeue: pc.yellow,
  damaged: pc.red,
};

const HEADS = ["run", "state", "epoch", "step", "loss", "best k-NN", "watch", "images/s", "changed"] as const;

/** Columns of names; the others hold numbers and end at the same place. */
const NAMES = new Set([0, 1, 6, 8]);

export function runsText(runs: readonly RunSummary[], now: Date): string {
  if (runs.length === 0) return "no runs";
  const rows = runs.map((run) => cells(run, now));
  const widths = HEADS.map((head, column) =>
    Math.max(head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row.map((cell, column) => padded(cell, widths[column] ?? 0, NAMES.has(column)));
  const body = rows.map((row, index) => {
    const [name = "", state = "", ...rest] = line(row);
    return [name, COLOURS[runs[index]?.state ?? "stopped"](state), ...rest].join("  ").trimEnd();
  });
  return [pc.bold(line(HEADS).join("  ").trimEnd()), ...body].join("\n");
}

function cells(run: RunSummary, now: Date): string[] {
  const { name, state, epoch, epochs, step, loss, best, signs, imagesPerSecond, changedAt } = run;
  return [
    printable(name),
    state,
    `${epoch}/${epochs ?? "?"}`,
    String(step),
    loss === null ? "-" : loss.toFixed(4),
    bestText(best),
    watchText(signs),
    imagesPerSecond === null ? "-" : imagesPerSecond.toFixed(imagesPerSecond < 10 ? 1 : 0),
    changedAt === null ? "-" : ago(now.getTime() - Date.parse(changedAt)),
  ];
}

/** A folder's name may hold anything, also what would steer a terminal. */
function printable(name: string): string {
  return name.replaceAll(/\p{Cc}/gu, "?");
}

function padded(cell: string, width: number, isName: boolean): string {
  return isName ? cell.padEnd(width) : cell.padStart(width);
}

function bestText(best: BestScore | null): string {
  if (best === null) return "-";
  return `${(100 * best.top1).toFixed(1)} % (k = ${best.neighbours})`;
}

function watchText(signs: RunSummary["signs"]): string {
  if (signs === null) return "-";
  return signs.length === 0 ? "ok" : signs.join(", ");
}

const UNITS = [
  ["d", 86_400],
  ["h", 3600],
  ["min", 60],
] as const;

/** 3 min ago, 5 h ago. */
function ago(milliseconds: number): string {
  const seconds = Math.max(0, milliseconds / 1000);
  const unit = UNITS.find(([, length]) => seconds >= length);
  return unit === undefined ? "just now" : `${Math.floor(seconds / unit[1])} ${unit[0]} ago`;
}
