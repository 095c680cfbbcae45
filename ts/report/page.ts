/** The page of a report: one document that needs nothing beside it. */
import { createHash } from "node:crypto";
import { configurationHtml } from "./config-tables.js";
import { environmentHtml } from "./environment-tables.js";
import { Html, html, jsonScript } from "./html.js";
import type { PageAssets } from "./page-assets.js";
import { plotSectionHtml } from "./plot-figure.js";
import { plotSections } from "./plots.js";
import type { RunFacts } from "./run-facts.js";
import { checkpointsTable, overviewTable, scoresTable, skippedTable } from "./tables.js";

export interface PageFacts {
  /** The one that the report is of, then those that it is compared to. */
  readonly runs: readonly RunFacts[];
  /** What made the report. */
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly madeAt: string;
}

/** In the list of sections, where the title is long. */
const SHORT_TITLES: Readonly<Record<string, string>> = { knn: "k-NN" };

/** No script but ours runs in it, and nothing is fetched, whatever the runs hold. */
export function pageText({ runs, command, madeAt }: PageFacts, assets: PageAssets): string {
  const names = runs.map(({ summary }) => summary.name);
  const plots = plotSections(runs);
  const tables = tableSections(runs);
  const title = names.join(" and ");
  const data = jsonScript({ names, plots: plots.flatMap((section) => section.plots) });
  const scripts = [assets.plotScript, assets.pageScript];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy(scripts)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} – udi-native</title>
<style>${new Html(assets.plotStyle)}${new Html(assets.pageStyle)}</style>
</head>
<body>
<a class="skip" href="#overview">Skip to the overview</a>
<header>
<h1>${title}</h1>
<label class="theme">Colours <select id="theme"><option value="">as the system</option><option value="light">light</option><option value="dark">dark</option></select></label>
</header>
<nav aria-label="Sections"><ul>${[{ id: "overview", title: "Overview" }, ...plots, ...tables].map(
    ({ id, title }) => html`<li><a href="#${id}">${SHORT_TITLES[id] ?? title}</a></li>`,
  )}</ul></nav>
<main>
<section id="overview" aria-labelledby="overview-title"><h2 id="overview-title">Overview</h2>${overviewTable(runs)}</section>
${plots.map((section) => plotSectionHtml(section, names))}
${tables.map(
  ({ id, title, content }) => html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>${content}</section>
`,
)}</main>
<footer><p>Made ${madeAt} by <span class="command">${command}</span></p></footer>
<noscript><p>The plots are drawn by scripts in this file, which this browser does not run.</p></noscript>
<script type="application/json" id="data">${data}</script>
${scripts.map((script) => new Html(`<script>${script}</script>\n`))}</body>
</html>
`.text;
}

interface TableSection {
  readonly id: string;
  readonly title: string;
  readonly content: Html;
}

/** Those that there is something to say in. */
function tableSections(runs: readonly RunFacts[]): TableSection[] {
  const sections = [
    { id: "scores", title: "Evaluations", content: scoresTable(runs) },
    { id: "configuration", title: "Configuration", content: configurationHtml(runs) },
    { id: "environment", title: "Environment", content: environmentHtml(runs) },
    { id: "checkpoints", title: "Checkpoints", content: checkpointsTable(runs) },
    { id: "skipped", title: "Skipped files", content: skippedTable(runs) },
  ];
  return sections.flatMap(({ content, ...section }) => (content === null ? [] : [{ ...section, content }]));
}

/** Scripts by their hashes; styles also of elements, where the plots place themselves. */
function policy(scripts: readonly string[]): string {
  const hashes = scripts.map((script) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`);
  return `default-src 'none'; style-src 'unsafe-inline'; script-src ${hashes.join(" ")}; base-uri 'none'; form-action 'none'`;
}
