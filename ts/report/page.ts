/** The page of a report: one document that needs nothing beside it. */
import { configurationHtml } from "./config-tables.js";
import { documentText, THEME_CHOICE } from "./document.js";
import { environmentHtml } from "./environment-tables.js";
import type { EpochPlace } from "./epoch-places.js";
import { type Content, type Html, html } from "./html.js";
import type { PageAssets } from "./page-assets.js";
import { pictureSections } from "./picture-sections.js";
import { plotSectionHtml } from "./plot-figure.js";
import { type Plot, plotSections } from "./plots.js";
import type { RunFacts } from "./run-facts.js";
import type { PictureSource } from "./run-pictures.js";
import { checkpointsTable, overviewTable, scoresTable, skippedTable } from "./tables.js";

export interface PageFacts {
  /** The one that the report is of, then those that it is compared to. */
  readonly runs: readonly RunFacts[];
  readonly pictures: PictureSource;
  /** What made the report. */
  readonly command: string;
  /** ISO 8601, UTC. */
  readonly madeAt: string;
}

export interface PageParts {
  readonly title: string;
  readonly sections: readonly PageSection[];
  readonly data: PageData;
}

export interface PageSection {
  /** Unique in a page. */
  readonly id: string;
  readonly title: string;
  readonly content: Html;
}

/** What the plots are drawn from. */
export interface PageData {
  /** Of the runs. */
  readonly names: readonly string[];
  /** Of each run. */
  readonly epochs: readonly (readonly EpochPlace[])[];
  readonly plots: readonly Plot[];
}

/** In the list of sections, where the title is long. */
const SHORT_TITLES: Readonly<Record<string, string>> = {
  knn: "k-NN",
  attention: "Attention",
  neighbours: "Neighbours",
};

export function pageText({ runs, pictures, command, madeAt }: PageFacts, assets: PageAssets): string {
  const { title, sections, data } = pageParts(runs, pictures);
  const footer = html`Made ${madeAt} by <span class="command">${command}</span>`;
  return documentText({
    title,
    body: pageBody({ title, sections, before: null, choices: null, footer }),
    styles: [assets.plotStyle, assets.pageStyle],
    scripts: [assets.plotScript, assets.themeScript, assets.pageScript],
    data,
    served: false,
  });
}

/** `source`: what pictures refer to. */
export function pageParts(runs: readonly RunFacts[], source: PictureSource): PageParts {
  const names = runs.map(({ summary }) => summary.name);
  const plots = plotSections(runs);
  const sections = [
    { id: "overview", title: "Overview", content: overviewTable(runs) },
    ...plots.map((section) => ({ ...section, content: plotSectionHtml(section, names) })),
    ...pictureSections(runs, source),
    { id: "scores", title: "Evaluations", content: scoresTable(runs) },
    { id: "configuration", title: "Configuration", content: configurationHtml(runs) },
    { id: "environment", title: "Environment", content: environmentHtml(runs) },
    { id: "checkpoints", title: "Checkpoints", content: checkpointsTable(runs) },
    { id: "skipped", title: "Skipped files", content: skippedTable(runs) },
  ];
  return {
    title: names.join(" and "),
    // Those that there is something to say in.
    sections: sections.flatMap(({ id, title, content }) =>
      content === null ? [] : [{ id, title, content }],
    ),
    data: {
      names,
      epochs: runs.map(({ epochs }) => epochs),
      plots: plots.flatMap((section) => section.plots),
    },
  };
}

export interface PageFrame extends Omit<PageParts, "data"> {
  /** Stands above the title. */
  readonly before: Content;
  /** Stands beside the choice of the axis. */
  readonly choices: Content;
  readonly footer: Content;
}

export function pageBody({ title, sections, before, choices, footer }: PageFrame): Html {
  return html`<a class="skip" href="#overview">Skip to the overview</a>
${before}<header>
<h1>${title}</h1>
<div class="choices">${choices}<label class="choice">Axis <select id="axis"><option value="step">steps</option><option value="epoch">epochs</option></select></label> ${THEME_CHOICE}</div>
</header>
${sectionList(sections)}
<main>
${sections.map(sectionHtml)}</main>
<footer><p>${footer}</p></footer>
<noscript><p>The plots are drawn by scripts in this page, which this browser does not run.</p></noscript>`;
}

export function sectionList(sections: readonly PageSection[]): Html {
  return html`<nav id="sections" aria-label="Sections"><ul>${sections.map(
    ({ id, title }) => html`<li><a href="#${id}">${SHORT_TITLES[id] ?? title}</a></li>`,
  )}</ul></nav>`;
}

export function sectionHtml({ id, title, content }: PageSection): Html {
  return html`<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>${content}</section>
`;
}
