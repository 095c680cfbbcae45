/** The place of a plot in the page: its title, what it shows in words, and where it is drawn. */

import { numberText } from "../number-text.js";
import { type Html, html } from "./html.js";
import type { Line, Plot, PlotSection } from "./plots.js";

export function plotSectionHtml({ plots }: PlotSection, names: readonly string[]): Html {
  return html`
<div class="plots">${plots.map((plot) => figureHtml(plot, names))}</div>
`;
}

function figureHtml(plot: Plot, names: readonly string[]): Html {
  const { id, title, unit, note, main } = plot;
  return html`<figure id="plot-${id}" class="${main ? "plot main" : "plot"}" data-plot="${id}">
<figcaption><span class="plot-title">${title}${unit === "" ? null : html` <span class="unit">(${unit})</span>`}</span>${
    main ? html`<label class="log"><input type="checkbox"> logarithmic</label>` : null
  }</figcaption>
<div class="area" role="img" tabindex="0" aria-label="${summaryText(plot, names)}"><div class="drawing"></div></div>
${
  note === undefined
    ? null
    : html`<p class="note">${note}</p>
`
}<p class="reading" aria-live="off"></p>
</figure>
`;
}

/** What an eye would see first. */
export function summaryText({ title, unit, lines }: Plot, names: readonly string[]): string {
  const unitText = unit === "" ? "" : ` ${unit}`;
  const parts = lines.map((line) => `${names[line.run]}: ${lineText(line, unitText)}`);
  return `${title} over steps. ${parts.join(". ")}. Arrow keys read values, plus and minus zoom.`;
}

function lineText({ steps, mean, min, max }: Line, unit: string): string {
  const known = mean.flatMap((value, place) => (value === null ? [] : [{ value, step: steps[place] ?? 0 }]));
  const [first, last] = [known[0], known.at(-1)];
  if (first === undefined || last === undefined) return "no values";
  const at = ({ value, step }: { value: number; step: number }) =>
    `${numberText(value)}${unit} at step ${step}`;
  if (first === last) return at(first);
  const lowest = Math.min(...min.flatMap((value) => value ?? []));
  const highest = Math.max(...max.flatMap((value) => value ?? []));
  return `from ${at(first)} to ${at(last)}, lowest ${numberText(lowest)}, highest ${numberText(highest)}`;
}
