/** Sections below each other, as one picture. */
import sharp, { type Sharp } from "sharp";
import { ArgumentError } from "../errors.js";
import { imageSection, type PicturedImage } from "./image-section.js";
import { paintedPanel, paperSize } from "./painted-panel.js";
import { PAPER, RULE } from "./palette.js";
import type { Panel } from "./panel.js";

const MARGIN = 48;

/**
 * Encodes nothing yet: the caller chooses a format and a file. Of the images made only their compressed pictures are kept,
 * about 4 MB each. Throws ArgumentError where there is no image.
 */
export async function contactSheet(
  images: Iterable<PicturedImage> | AsyncIterable<PicturedImage>,
): Promise<Sharp> {
  const sections: Section[] = [];
  for await (const image of images) sections.push(await painted(await imageSection(image)));
  if (sections.length === 0)
    throw new ArgumentError("contact sheet: expected at least one image, received none");
  const width = Math.max(...sections.map((section) => section.width));
  const height = sections.reduce((sum, section) => sum + section.height, 0);
  let top = 0;
  const placed = sections.map((section) => {
    const place = { input: section.png, left: 0, top };
    top += section.height;
    return place;
  });
  return sharp({ create: { width, height, channels: 3, background: PAPER } })
    .composite(placed)
    .removeAlpha();
}

interface Section {
  readonly width: number;
  readonly height: number;
  readonly png: Buffer;
}

/** With its margins; compressed, since raw pixels of many sections would fill the memory. */
async function painted(panel: Panel): Promise<Section> {
  const { width, height } = paperSize(panel, MARGIN);
  const rule = `<path d="M0 ${height - 0.5}H${width}" stroke="${RULE}"/>`;
  const painting = paintedPanel(panel, MARGIN, rule);
  return { width, height, png: await painting.png({ compressionLevel: 1 }).toBuffer() };
}
