/**
 * The pictures of a run: `pictures/crops/` and, for each time, `pictures/step-00000063/`. A folder is whole or not there; what
 * its pictures show stands beside them in words.
 */
import { existsSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { RUN_FILES } from "./run-files.js";
import { removePartial, removeWholeFolder, writeWholeFolder } from "./whole-files.js";

export const PICTURE_FILES = {
  features: "features.webp",
  neighbours: "neighbours.webp",
  facts: "facts.json",
} as const;

/** An image of the training data. */
export interface NamedImage {
  /** Name below the root of the data. */
  readonly name: string;
  /** Null: unlabelled. */
  readonly class: string | null;
}

/** `facts.json` in `pictures/crops/`. */
export interface CropsFacts {
  /** Names of the images, of which the first is in `image-1.webp`. */
  readonly images: readonly string[];
}

/** `facts.json` beside `features.webp` and `neighbours.webp`. */
export interface TimeFacts {
  /** Steps made before; 0: untrained, or the given weights. */
  readonly step: number;
  /** Epochs done. */
  readonly epoch: number;
  readonly network: "teacher";
  /** Images among which neighbours were looked for. */
  readonly pool: number;
  /** Share of the variance of the patch features that red, green and blue explain. */
  readonly explained: readonly number[];
  readonly images: readonly ShownImage[];
}

export interface ShownImage extends NamedImage {
  /** The most similar first. */
  readonly neighbours: readonly Neighbour[];
}

export interface Neighbour extends NamedImage {
  /** Cosine of the class-token features. */
  readonly similarity: number;
}

/** How many neighbours share the class of their image. */
export interface SameClass {
  readonly same: number;
  readonly of: number;
}

/** Null: unlabelled, or without neighbours. */
export function sameClass(images: readonly ShownImage[]): SameClass | null {
  const labelled = images.filter((image) => image.class !== null);
  const shared = labelled.flatMap((image) => image.neighbours.map((near) => near.class === image.class));
  return shared.length === 0 ? null : { same: shared.filter(Boolean).length, of: shared.length };
}

const STEP = /^step-(\d+)$/;

export function cropsFolder(run: string): string {
  return join(run, RUN_FILES.pictures, "crops");
}

/** Name of the file with the crops of an image, counted from 0. */
export function cropsFile(image: number): string {
  return `image-${image + 1}.webp`;
}

export function timeFolder(run: string, step: number): string {
  return join(run, RUN_FILES.pictures, `step-${String(step).padStart(8, "0")}`);
}

/** Writes pictures and facts, all or nothing; a folder that is there is replaced. */
export async function writePictures(
  folder: string,
  pictures: Readonly<Record<string, Uint8Array>>,
  facts: CropsFacts | TimeFacts,
): Promise<void> {
  await writeWholeFolder(folder, async (partial) => {
    for (const [name, bytes] of Object.entries(pictures)) await writeFile(join(partial, name), bytes);
    await writeFile(join(partial, PICTURE_FILES.facts), `${JSON.stringify(facts, null, 2)}\n`);
  });
}

/** Steps of which there are pictures, oldest first. */
export async function pictureSteps(run: string): Promise<number[]> {
  const names = await readdir(join(run, RUN_FILES.pictures)).catch(() => []);
  const steps = names.flatMap((name) => STEP.exec(name)?.[1] ?? []);
  return steps.map(Number).sort((a, b) => a - b);
}

/** Null where the file is missing or damaged. */
export async function readFacts<Facts extends CropsFacts | TimeFacts>(folder: string): Promise<Facts | null> {
  try {
    const facts = JSON.parse(
      await readFile(join(folder, PICTURE_FILES.facts), "utf8"),
    ) as Partial<Facts> | null;
    return Array.isArray(facts?.images) ? (facts as Facts) : null;
  } catch {
    return null;
  }
}

/** Leaves the pictures up to a step: the later ones, and what a crash left unfinished, will be made again. */
export async function cutPictures(run: string, step: number): Promise<void> {
  const folder = join(run, RUN_FILES.pictures);
  if (!existsSync(folder)) return;
  await removePartial(folder, /./);
  for (const later of await pictureSteps(run)) {
    if (later > step) await removeWholeFolder(timeFolder(run, later));
  }
}
