/** The documents that a browser gets: the table of all runs, runs side by side, and what could not be shown. */
import { documentText, THEME_CHOICE } from "../report/document.js";
import { type Content, html } from "../report/html.js";
import { pageBody } from "../report/page.js";
import { PATHS } from "./paths.js";
import type { Problem } from "./problem.js";
import { COLUMNS, type Column, tableChanges } from "./run-rows.js";
import type { WatchedRuns } from "./runs-watch.js";
import type { PageFiles } from "./served-assets.js";
import type { ServedRuns } from "./served-runs.js";

/** Says whether the page is up to date. */
const CONNECTION = html`<p id="connection" role="status">connecting</p>`;

export function tablePage(folder: string, watched: WatchedRuns, files: PageFiles): string {
  const body = html`<a class="skip" href="#runs">Skip to the runs</a>
<header>
<h1>Runs in ${folder}</h1>
<div class="choices">${CONNECTION} ${THEME_CHOICE}</div>
</header>
<main>
<p class="filter"><label>Filter by name <input type="search" id="filter" autocomplete="off"></label> <span id="count" role="status"></span></p>
<form action="${PATHS.runs}" method="get">
<p class="compare"><button id="compare" disabled>Compare</button> <button type="reset" id="none" disabled>Choose none</button> <span id="chosen" role="status"></span></p>
<div class="wide" role="region" aria-label="Runs" tabindex="0"><table id="runs">
<caption>Loss and images/s are means over the last 20 steps of a run; the best k-NN accuracy is that of all its evaluations; watch: signs of a collapse that the last look found</caption>
<thead><tr><th scope="col"><span class="unseen">Choose</span></th>${COLUMNS.map(columnHead)}</tr></thead>
<tbody></tbody>
</table></div>
</form>
<p id="refused" hidden></p>
</main>
<noscript><p>The table is kept up to date by scripts in this page, which this browser does not run.</p></noscript>`;
  const data = {
    id: watched.id,
    events: PATHS.tableEvents,
    runs: PATHS.runs,
    ...tableChanges(null, watched),
  };
  return documentText({ title: "Runs", body, data, ...files, served: true });
}

function columnHead({ id, title, number }: Column): Content {
  return html`<th scope="col" data-column="${id}"${number ? html` class="number"` : null}><button type="button">${title}</button></th>`;
}

export function runsPage({ id, title, sections, data }: ServedRuns, query: string, files: PageFiles): string {
  const body = pageBody({
    title,
    sections,
    before: html`<p class="back"><a href="${PATHS.table}">All runs</a></p>
`,
    choices: CONNECTION,
    footer: html`Served by <span class="command">udi-native serve</span>; changes are shown as they come`,
  });
  const served = { id, events: `${PATHS.runsEvents}?${query}`, ...data };
  return documentText({ title, body, data: served, ...files, served: true });
}

export function problemPage({ message, hint }: Problem, files: PageFiles): string {
  const title = "This cannot be shown";
  const body = html`<header>
<h1>${title}</h1>
<div class="choices">${THEME_CHOICE}</div>
</header>
<main><p class="said">${message}</p>${hint === undefined ? null : html`<p class="said">${hint}</p>`}<p><a href="${PATHS.table}">All runs</a></p></main>`;
  return documentText({ title, body, data: null, ...files, served: true });
}
