/** Pictures of what the network sees and learns, made while a run goes on: its checkpoints do not stay. */
import { existsSync } from "node:fs";
import type { ResolvedConfig } from "../../config/resolved.js";
import type { ImageSource } from "../../dataset/image-source.js";
import type { Native } from "../../native/engine.js";
import { contactSheet } from "../../picture/contact-sheet.js";
import { previewedImages } from "../../picture/previewed-images.js";
import { reduced } from "../../picture/reduced.js";
import {
  cropsFile,
  cropsFolder,
  PICTURE_FILES,
  timeFolder,
  writePictures,
} from "../../run/picture-folders.js";
import type { Progress } from "../../run/run.js";
import { imageLimits } from "../../views/read-image.js";
import { picturesAreDue } from "../plan.js";
import type { Remark } from "../training-data.js";
import { drawTime } from "./draw-time.js";

export interface Pictured {
  readonly native: Native;
  /** Folder of the run. */
  readonly folder: string;
  readonly config: ResolvedConfig;
  readonly source: ImageSource;
  readonly signal: AbortSignal | undefined;
  readonly onRemark: Remark;
}

/** Whether the signal kept pictures from being made that are due: a resumed run makes them. */
export function picturesAreLeft(pictured: Pictured, progress: Progress): boolean {
  return pictured.signal?.aborted === true && areMissing(pictured, progress);
}

function areMissing({ config, folder }: Pictured, progress: Progress): boolean {
  return picturesAreDue(config, progress) && !existsSync(timeFolder(folder, progress.step));
}

/**
 * Draws what is due and missing. Once the signal is aborted that is left for the run's next part. A failure is told, and
 * the run goes on: it is about the pictures alone.
 */
export async function drawWhereDue(pictured: Pictured, progress: Progress): Promise<void> {
  const { signal, onRemark } = pictured;
  if (signal?.aborted || !areMissing(pictured, progress)) return;
  try {
    await drawCrops(pictured);
    await drawStep(pictured, progress);
  } catch (error) {
    if (error === signal?.reason) return;
    const reason = error instanceof Error ? error.message : String(error);
    onRemark(`no pictures of step ${progress.step}: ${reason}`);
  }
}

/** Images whose crops are shown. */
const CROPS_SHOWN = 2;
/** In pixels: the lettering can still be read. */
const CROPS_WIDTH = 1600;

async function drawCrops({ folder, config, source }: Pictured): Promise<void> {
  const place = cropsFolder(folder);
  if (existsSync(place)) return;
  const { crops, seed, data } = config;
  const { maxPixels } = data;
  const request = { source, crops, seed, epoch: 0, images: CROPS_SHOWN, maxPixels, onSkipped: () => {} };
  const images: string[] = [];
  const pictures: Record<string, Uint8Array> = {};
  for await (const image of previewedImages(request)) {
    const sheet = await reduced(await contactSheet([image]), CROPS_WIDTH);
    pictures[cropsFile(images.length)] = await sheet.webp({ quality: 75, effort: 2 }).toBuffer();
    images.push(image.title);
  }
  await writePictures(place, pictures, { images });
}

async function drawStep(pictured: Pictured, { step, position }: Progress): Promise<void> {
  const { native, folder, config, source, signal } = pictured;
  const { images: shown, pool } = config.evaluate.pictures;
  const { resizeTo, cropSize } = config.evaluate.knn;
  const images = {
    source,
    size: { resizeTo, crop: cropSize },
    batchSize: config.training.batchSize,
    workers: config.data.workers,
    limits: imageLimits(config.data),
    signal,
  };
  const at = { step, epoch: position.epoch, seed: config.seed };
  const { features, neighbours, facts } = await drawTime({ native, images, shown, pool, ...at });
  const pictures = { [PICTURE_FILES.features]: features, [PICTURE_FILES.neighbours]: neighbours };
  await writePictures(timeFolder(folder, step), pictures, facts);
}
