/** Pictures in the page: what the network saw, where it looked, what it held for similar. */
import { type SameClass, sameClass, type TimeFacts } from "../run/picture-folders.js";
import { type Html, html } from "./html.js";
import type { RunFacts } from "./run-facts.js";
import {
  type CropsPicture,
  type PictureSource,
  type PictureTime,
  type RunPictures,
  spread,
} from "./run-pictures.js";
import { runName, tableHtml } from "./tables.js";

export interface PictureSection {
  readonly id: string;
  readonly title: string;
  /** Null: no run has such pictures. */
  readonly content: Html | null;
}

export function pictureSections(runs: readonly RunFacts[], source: PictureSource): PictureSection[] {
  const section = (id: string, title: string, of: RunHtml): PictureSection => ({
    id,
    title,
    content: ofEachRun(runs, of),
  });
  return [
    section("crops", "What it sees", ({ crops }) => (crops.length === 0 ? null : cropsHtml(crops, source))),
    section("attention", "Attention and features over time", (pictures, run) =>
      pictures.shown.length === 0 ? null : timesHtml(pictures, run, source),
    ),
    section("neighbours", "Nearest neighbours", ({ shown }) =>
      shown.length === 0 ? null : neighboursHtml(shown, source),
    ),
  ];
}

type RunHtml = (pictures: RunPictures, run: number) => Html | null;

/** Below one another, named where there are several. */
function ofEachRun(runs: readonly RunFacts[], of: RunHtml): Html | null {
  const parts = runs.map((run, place) => ({ run, place, content: of(run.pictures, place) }));
  if (parts.every(({ content }) => content === null)) return null;
  if (runs.length === 1) return html`${parts.map(({ content }) => content)}`;
  return html`${parts.map(
    ({ run, place, content }) =>
      html`<h3>${runName(run, place)}</h3>${content ?? html`<p>This run has made no such pictures.</p>`}`,
  )}`;
}

/** The first image; the others where they are asked for, since each fills a screen. */
function cropsHtml([first, ...others]: readonly CropsPicture[], source: PictureSource): Html {
  return html`<p class="unit">Crops of the first epoch, as <span class="command">udi-native preview</span> draws them.</p>
${first === undefined ? null : cropsFigure(first, source)}${others.map(
  (crops) => html`<details><summary>${crops.name}</summary>${cropsFigure(crops, source)}</details>
`,
)}`;
}

function cropsFigure(crops: CropsPicture, source: PictureSource): Html {
  const alt = `Crops of ${crops.name}: their boxes on the original, each view as the network gets it, sampled patches and the same places in the other crop`;
  return html`<figure class="picture"><img src="${source(crops)}" alt="${alt}"></figure>`;
}

/** One time after the other in the same place, chosen by radio buttons, so that no script is needed. */
function timesHtml({ steps, shown }: RunPictures, run: number, source: PictureSource): Html {
  const name = `attention-${run}`;
  const left = steps.length - shown.length;
  const choices = shown.map(({ facts, features }, at) => {
    const checked = at === shown.length - 1 ? html` checked` : null;
    const id = `${name}-${facts.step}`;
    return html`<label><input type="radio" id="${id}" name="${name}"${checked}> ${stepText(facts)}</label>
<figure id="${id}-picture" class="picture"><img src="${source(features)}" alt="${featuresAlt(facts)}"></figure>
`;
  });
  const legend = html`<legend>Teacher after step${
    left === 0 ? null : html` <span class="unit">(${shown.length} of ${steps.length} times)</span>`
  }</legend>`;
  return html`<fieldset class="times">${legend}${choices}</fieldset>
<p class="unit">Colours of patches mean the same in all images of a step, not from one step to another.</p>`;
}

function stepText({ step }: TimeFacts): string {
  return step === 0 ? "0, before training" : String(step);
}

function networkText({ step }: TimeFacts): string {
  return step === 0 ? "the network before its first step" : `the teacher after step ${step}`;
}

function featuresAlt(facts: TimeFacts): string {
  return `Attention of the class tokens to the patches, and patch features as colours, of ${networkText(facts)}, for ${imageNames(facts.images)}`;
}

function imageNames(images: TimeFacts["images"]): string {
  return images.map(({ name }) => name).join(", ");
}

/** First and last, side by side where there is room; the last in words too. */
function neighboursHtml(shown: readonly PictureTime[], source: PictureSource): Html {
  const [first, ...others] = spread(shown, 2) as [PictureTime, ...PictureTime[]];
  const { facts } = others.at(-1) ?? first;
  const figures = [first, ...others].map(
    (time) =>
      html`<figure class="picture"><img src="${source(time.neighbours)}" alt="${neighboursAlt(time.facts)}"></figure>`,
  );
  return html`<div class="pair">${figures}</div>
<details><summary>Neighbours of ${networkText(facts)} in words</summary>${neighboursTable(facts)}</details>`;
}

function neighboursAlt(facts: TimeFacts): string {
  const { images, pool } = facts;
  const same = sameText(sameClass(images));
  return `Images, each beside those of ${pool} others that ${networkText(facts)} holds for the most similar${same}: ${imageNames(images)}`;
}

function sameText(same: SameClass | null): string {
  return same === null ? "" : `; ${same.same} of ${same.of} neighbours are of the same class`;
}

function neighboursTable({ images, pool }: TimeFacts): Html {
  const most = Math.max(...images.map(({ neighbours }) => neighbours.length));
  return tableHtml({
    caption: `Nearest neighbours among ${pool} training images, with the cosine of their cls features`,
    heads: ["image", ...Array.from({ length: most }, (_, at) => String(at + 1))],
    rows: images.map(({ name, neighbours }) => [
      name,
      ...neighbours.map((near) => html`${near.name} <span class="unit">${near.similarity.toFixed(3)}</span>`),
    ]),
  });
}
