/** The files of what is drawn. */
import { existsSync } from "node:fs";
import { mkdir, realpath } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import sharp, { type Sharp } from "sharp";
import { RunError } from "../../errors.js";
import {
  type AttendedImage,
  type DrawingStyle,
  heatMaps,
  masks,
  type Picture,
} from "../../picture/attended-image.js";
import { attentionSheet } from "../../picture/attention-sheet.js";
import { writeWholeFile } from "../../run/whole-files.js";
import { writing } from "../../weights/output-folder.js";
import type { ImageFile } from "./image-files.js";

/** Throws RunError where a picture would take the place of an image that is drawn, or of a file that may not be replaced. */
export async function checkPlaces(
  out: string,
  files: readonly ImageFile[],
  existing: "refuse" | "replace",
): Promise<void> {
  const drawn = new Map<string, string>();
  for (const { file } of files) drawn.set(await realpath(file).catch(() => file), file);
  for (const { name } of files) {
    const sheet = sheetFile(out, name);
    if (!existsSync(sheet)) continue;
    const image = drawn.get(await realpath(sheet));
    if (image !== undefined) throw overImage(out, image);
    if (existing === "replace") continue;
    throw new RunError(`out: expected a folder without ${name}.png, received ${out}, which holds it`, {
      hint: "choose another --out, or replace the pictures in it with --force",
    });
  }
}

export function sheetFile(out: string, name: string): string {
  return join(resolve(out), `${name}.png`);
}

export async function writeSheet(
  file: string,
  image: AttendedImage,
  style: DrawingStyle,
  facts: string,
): Promise<void> {
  await written(file, (await attentionSheet(image, style, facts)).png());
}

/**
 * Each map in the size of the image, under the names of the public program: img.png, and for each class token in a folder
 * of its own attn-head0.png, mask_th0.6_head0.png and so on; the mean of the heads and the patch features beside them.
 */
export async function writeSeparate(
  folder: string,
  { image, queries, patches }: AttendedImage,
  style: DrawingStyle,
): Promise<readonly string[]> {
  const { height, width } = image;
  const pictures: { file: string; picture: Picture }[] = [{ file: "img", picture: image }];
  for (const { file, paint } of patches)
    pictures.push({ file, picture: { height, width, pixels: paint({ height, width }) } });
  for (const query of queries) {
    const maps = await heatMaps(query, { height, width }, style);
    for (const map of [...maps, ...(await masks(query, image, style))])
      pictures.push({ file: join(query.query, map.file), picture: map });
  }
  const files = pictures.map(({ file }) => join(folder, `${file}.png`));
  for (const [at, { picture }] of pictures.entries()) await written(files[at] as string, encoder(picture));
  return files;
}

function encoder({ pixels, height, width }: Picture): Sharp {
  return sharp(pixels, { raw: { height, width, channels: 3 } }).png();
}

async function written(file: string, picture: Sharp): Promise<void> {
  const bytes = await picture.toBuffer();
  await writing(dirname(file), async () => {
    await mkdir(dirname(file), { recursive: true });
    await writeWholeFile(file, bytes);
  });
}

function overImage(out: string, file: string): RunError {
  return new RunError(
    `out: expected a folder apart from the images, received ${out}, where a sheet would replace ${file}`,
    {
      hint: "choose another --out",
    },
  );
}
