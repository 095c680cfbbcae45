/** The pictures that a run has made, for a report to show. */
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  type CropsFacts,
  cropsFile,
  cropsFolder,
  PICTURE_FILES,
  pictureSteps,
  readFacts,
  type TimeFacts,
  timeFolder,
} from "../run/picture-folders.js";

/** A WebP file. */
export interface RunPicture {
  /** Absolute path. */
  readonly file: string;
  readonly bytes: number;
}

export interface RunPictures {
  /** Of some images of the first epoch; empty: none were made. */
  readonly crops: readonly CropsPicture[];
  /** Steps of all pictures of the teacher, oldest first. */
  readonly steps: readonly number[];
  /** Of these the ones that are shown: spread evenly, the first and the last always among them. */
  readonly shown: readonly PictureTime[];
}

export interface CropsPicture extends RunPicture {
  /** Of the image. */
  readonly name: string;
}

export interface PictureTime {
  readonly facts: TimeFacts;
  readonly features: RunPicture;
  readonly neighbours: RunPicture;
}

/** What an image element of the page refers to. */
export type PictureSource = (picture: RunPicture) => string;

/** Times of a run that are shown. */
const MOST_TIMES = 8;

/** Folders that a crash or a hand left incomplete are passed over. */
export async function runPictures(folder: string): Promise<RunPictures> {
  const steps = await pictureSteps(folder);
  const times = await Promise.all(spread(steps, MOST_TIMES).map((step) => readTime(folder, step)));
  return { crops: await readCrops(folder), steps, shown: times.filter((time) => time !== null) };
}

/** At most `most` of them, evenly, with both ends. */
export function spread<T>(all: readonly T[], most: number): T[] {
  if (all.length <= most) return [...all];
  return Array.from({ length: most }, (_, at) => all[Math.round((at * (all.length - 1)) / (most - 1))] as T);
}

async function readTime(folder: string, step: number): Promise<PictureTime | null> {
  const place = timeFolder(folder, step);
  const [facts, features, neighbours] = await Promise.all([
    readFacts<TimeFacts>(place),
    picture(place, PICTURE_FILES.features),
    picture(place, PICTURE_FILES.neighbours),
  ]);
  if (facts === null || features === null || neighbours === null) return null;
  return { facts, features, neighbours };
}

async function readCrops(folder: string): Promise<CropsPicture[]> {
  const place = cropsFolder(folder);
  const facts = await readFacts<CropsFacts>(place);
  const found = (facts?.images ?? []).map(async (name, image) => {
    const own = await picture(place, cropsFile(image));
    return own === null ? [] : [{ ...own, name }];
  });
  return (await Promise.all(found)).flat();
}

async function picture(folder: string, name: string): Promise<RunPicture | null> {
  const file = join(folder, name);
  const found = await stat(file).catch(() => null);
  return found === null ? null : { file, bytes: found.size };
}

/** All that runs show, read into the page itself; nothing for a file that went meanwhile. */
export async function inlinedPictures(runs: readonly RunPictures[]): Promise<PictureSource> {
  const sources = new Map<string, string>();
  for (const { file } of runs.flatMap(allOf)) {
    const bytes = await readFile(file).catch(() => null);
    if (bytes !== null) sources.set(file, `data:image/webp;base64,${bytes.toString("base64")}`);
  }
  return ({ file }) => sources.get(file) ?? "data:,";
}

function allOf({ crops, shown }: RunPictures): RunPicture[] {
  const ends = spread(shown, 2).map(({ neighbours }) => neighbours);
  return [...crops, ...shown.map(({ features }) => features), ...ends];
}
