/** Images and those that a network holds for the most similar: a row an image. */
import type { Sharp } from "sharp";
import { paintedPanel } from "./painted-panel.js";
import { below, beside, drawing, type Panel } from "./panel.js";
import { fittedTile, type RgbImage } from "./raster.js";
import { caption, type Heading, titledPanel } from "./titled-panel.js";

export interface LabelledPicture {
  readonly image: RgbImage;
  readonly name: string;
  /** Null: unlabelled. */
  readonly class: string | null;
}

export interface NeighbourRow {
  readonly asked: LabelledPicture;
  /** The most similar first; the cosine of both features. */
  readonly found: readonly (LabelledPicture & { readonly similarity: number })[];
}

const SIDE = 120;
const GAP = 10;
const MARGIN = 32;

/** At least one row. Names of classes where there are some, in bold where it is that of the row's image. */
export async function neighboursSheet(rows: readonly NeighbourRow[], heading: Heading): Promise<Sharp> {
  const panels: Panel[] = [];
  // One after the other, as in the sheet of features: what else the process does gets its turn in between.
  for (const row of rows) panels.push(await rowPanel(row));
  return paintedPanel(titledPanel(heading, below(panels, 1.6 * GAP)), MARGIN);
}

async function rowPanel({ asked, found }: NeighbourRow): Promise<Panel> {
  const first = await picturePanel(asked.image, [
    caption(asked.name, SIDE, "plain"),
    ...(asked.class === null ? [] : [caption(asked.class, SIDE, "strong")]),
  ]);
  const others = found.map(({ image, similarity, class: name }) =>
    picturePanel(image, [
      caption(similarity.toFixed(3), SIDE, "plain"),
      ...(name === null ? [] : [caption(name, SIDE, name === asked.class ? "strong" : "faint")]),
    ]),
  );
  return beside([first, drawing(GAP, SIDE, ""), ...(await Promise.all(others))], GAP);
}

async function picturePanel(image: RgbImage, lines: readonly Panel[]): Promise<Panel> {
  const tile = await fittedTile(image, { width: SIDE, height: SIDE });
  return below([{ width: SIDE, height: SIDE, tiles: [tile], marks: "" }, below(lines, 0)], 4);
}
