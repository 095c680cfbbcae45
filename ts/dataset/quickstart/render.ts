/** Writes the quickstart data: class folders of small PNG files. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp from "sharp";
import { randomStream } from "../../random.js";
import { QUICKSTART_CLASSES, type QuickstartClass } from "./classes.js";
import { drawing } from "./drawing.js";
import { drawScene } from "./scene.js";

/** A part of the data and its number of images per class. */
export interface QuickstartPart {
  readonly folder: string;
  readonly imagesPerClass: number;
}

export const QUICKSTART_PARTS: readonly QuickstartPart[] = [
  { folder: "train", imagesPerClass: 168 },
  { folder: "held-out", imagesPerClass: 42 },
];

export const QUICKSTART_IMAGES = QUICKSTART_PARTS.reduce(
  (sum, { imagesPerClass }) => sum + imagesPerClass * QUICKSTART_CLASSES.length,
  0,
);

const SEED = 20_240_929;

/** `onImages` is called with the number of images written so far. */
export async function renderQuickstart(root: string, onImages: (written: number) => void): Promise<void> {
  let written = 0;
  for (const part of QUICKSTART_PARTS) {
    for (const kind of QUICKSTART_CLASSES) {
      await renderClass(root, part, kind);
      written += part.imagesPerClass;
      onImages(written);
    }
  }
}

async function renderClass(root: string, part: QuickstartPart, kind: QuickstartClass): Promise<void> {
  const folder = join(root, part.folder, kind.name);
  await mkdir(folder, { recursive: true });
  const numbers = Array.from({ length: part.imagesPerClass }, (_, number) => number);
  await Promise.all(
    numbers.map(async (number) => {
      const file = join(folder, `${String(number).padStart(3, "0")}.png`);
      await writeFile(file, await quickstartImage(kind, part.folder, number), { flush: true });
    }),
  );
}

/** One image as a PNG file: the same bytes for the same class, part and number. */
export async function quickstartImage(kind: QuickstartClass, part: string, number: number): Promise<Buffer> {
  const scene = drawScene(kind, randomStream(SEED, "quickstart", part, kind.name, number));
  return sharp(Buffer.from(drawing(scene)))
    .removeAlpha()
    .png()
    .toBuffer();
}
