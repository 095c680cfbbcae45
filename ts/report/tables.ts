/** The tables of a report. A row is a run, or a column where there is more to say of each. */

import { byteText, numberText, percentText, timeText } from "../number-text.js";
import { type Content, type Html, html } from "./html.js";
import type { RunFacts } from "./run-facts.js";

/** Digits of a hash that are enough to tell runs apart; the whole of it stands under Environment. */
const SHORT_HASH = 12;

export interface Table {
  readonly caption: string;
  readonly heads: readonly string[];
  /** The first cell of a row names it. */
  readonly rows: readonly (readonly Content[])[];
  /** Columns of numbers, which end at the same place. */
  readonly numbers?: readonly number[];
}

export function tableHtml({ caption, heads, rows, numbers = [] }: Table): Html {
  const kind = (column: number) => (numbers.includes(column) ? html` class="number"` : null);
  return html`<div class="wide" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${heads.map((head, column) => html`<th scope="col"${kind(column)}>${head}</th>`)}</tr></thead>
<tbody>${rows.map(
    ([name = null, ...cells]) => html`<tr><th scope="row">${name}</th>${cells.map(
      (cell, index) => html`<td${kind(index + 1)}>${cell}</td>`,
    )}</tr>
`,
  )}</tbody></table></div>`;
}

/** A run's name with the colour of its lines. */
export function runName({ summary }: RunFacts, place: number): Html {
  return html`<span class="swatch run-${place}" aria-hidden="true"></span>${summary.name}`;
}

export function overviewTable(runs: readonly RunFacts[]): Html {
  const table = tableHtml({
    caption: "Where each run stands; loss and images/s are means over its last 20 steps",
    heads: ["run", "state", "epoch", "step", "loss", "best k-NN", "images/s", "configuration", "last change"],
    numbers: [2, 3, 4, 5, 6],
    rows: runs.map(overviewRow),
  });
  return html`${table}
<dl class="commands">${runs.map(
    (run, place) => html`<dt>${runName(run, place)}</dt><dd>${commandOf(run) ?? "command not recorded"}</dd>`,
  )}</dl>`;
}

function overviewRow(run: RunFacts, place: number): Content[] {
  const { state, epoch, epochs, step, loss, best, imagesPerSecond, configHash, changedAt } = run.summary;
  return [
    runName(run, place),
    html`<span class="state ${state}">${state}</span>`,
    `${epoch} / ${epochs ?? "?"}`,
    step,
    loss === null ? "–" : loss.toFixed(4),
    best === null ? "–" : `${percentText(best.top1)} (k = ${best.neighbours}, step ${best.step})`,
    imagesPerSecond === null ? "–" : numberText(Number(imagesPerSecond.toPrecision(3))),
    configHash === null ? "–" : configHash.slice(0, SHORT_HASH),
    changedAt === null ? "–" : timeText(changedAt),
  ];
}

/** What the newest part of the run was started with. */
function commandOf({ parts }: RunFacts): string | null {
  const command = parts[0]?.command;
  return command === undefined ? null : command.join(" ");
}

export function scoresTable(runs: readonly RunFacts[]): Html | null {
  const rows = runs.flatMap((run, place) =>
    run.evaluations.map(({ step, scores }): Content[] => [
      runName(run, place),
      step,
      step > 0 ? "teacher" : begunWith(run),
      ...numbersOf(runs).map((neighbours) => {
        const score = scores.find((candidate) => candidate.neighbours === neighbours);
        return score === undefined ? "–" : `${percentText(score.top1)}`;
      }),
    ]),
  );
  if (rows.length === 0) return null;
  const numbers = numbersOf(runs);
  return tableHtml({
    caption: "Top-1 accuracy of each evaluation, by number of neighbours k",
    heads: ["run", "step", "network", ...numbers.map((neighbours) => `k = ${neighbours}`)],
    numbers: [1, ...numbers.map((_, index) => index + 3)],
    rows,
  });
}

/** The network before the first step. */
function begunWith({ config }: RunFacts): string {
  return (config.init ?? null) === null ? "untrained" : "given weights";
}

function numbersOf(runs: readonly RunFacts[]): number[] {
  const scores = runs.flatMap(({ evaluations }) => evaluations.flatMap((record) => record.scores));
  return [...new Set(scores.map(({ neighbours }) => neighbours))].sort((a, b) => a - b);
}

export function checkpointsTable(runs: readonly RunFacts[]): Html | null {
  const rows = runs.flatMap((run, place) =>
    run.checkpoints.map(({ step, folder, bytes, record }): Content[] => {
      const size = byteText(bytes);
      if (typeof record === "string")
        return [runName(run, place), step, "–", size, `damaged: ${record}`, folder];
      const { position, configHash } = record;
      const epoch = position.index === 0 ? String(position.epoch) : `within ${position.epoch + 1}`;
      return [runName(run, place), step, epoch, size, configHash.slice(0, SHORT_HASH), folder];
    }),
  );
  if (rows.length === 0) return null;
  return tableHtml({
    caption: "Checkpoints, newest first",
    heads: ["run", "step", "epochs done", "size", "configuration", "folder"],
    numbers: [1, 2, 3],
    rows,
  });
}

export function skippedTable(runs: readonly RunFacts[]): Html | null {
  const rows = runs.flatMap((run, place) =>
    run.skipped.shown.map(({ step, file, reason }): Content[] => [runName(run, place), step, file, reason]),
  );
  if (rows.length === 0) return null;
  const count = runs.reduce((sum, { skipped }) => sum + skipped.count, 0);
  const shown = rows.length === count ? "" : `, of which the newest ${rows.length} are shown`;
  return tableHtml({
    caption: `${count} images could not be decoded and were replaced by others${shown}`,
    heads: ["run", "step", "file", "reason"],
    numbers: [1],
    rows,
  });
}
