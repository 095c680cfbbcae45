/** What each part of making views costs, measured alone: one image after the other, so that CPU time is its own. */

import { UnreadableFile } from "../dataset/read-file.js";
import { renderViews, setViewThreads } from "../native/engine.js";
import type { DecodedImage } from "../native/types.js";
import { randomStream } from "../random.js";
import { multiCropRecipe } from "../recipe/multi-crop.js";
import type { ImageRecipe } from "../recipe/types.js";
import { decodeBytes } from "../views/decode.js";
import { DecodeError } from "../views/decode-error.js";
import type { ViewBenchmarkRequest } from "./views.js";

/** Milliseconds of one core for an image. */
export interface PartMilliseconds {
  readonly read: number;
  readonly decode: number;
  /** Crops, photometric choices, masks and maps. */
  readonly recipe: number;
  readonly resize: number;
  readonly photometric: number;
}

export interface ViewParts extends PartMilliseconds {
  readonly bytesPerImage: number;
  /** Time that passes until a file is read. */
  readonly readSeconds: number;
}

type PartsRequest = Pick<ViewBenchmarkRequest, "source" | "crops" | "seed" | "images" | "limits">;

/** Files that cannot be decoded are left out. */
export async function viewParts(request: PartsRequest): Promise<ViewParts> {
  setViewThreads(1);
  const { source, seed, images } = request;
  const order = source.order(seed, 0);
  const sum = { read: 0, decode: 0, recipe: 0, resize: 0, photometric: 0, bytesPerImage: 0, readSeconds: 0 };
  let measured = 0;
  for (let at = 0; at < images; at++) {
    const one = await imageParts(request, order[at % order.length] as number);
    if (one === null) continue;
    measured += 1;
    for (const name of Object.keys(sum) as (keyof typeof sum)[]) sum[name] += one[name];
  }
  const mean = (total: number) => total / Math.max(1, measured);
  return Object.fromEntries(
    Object.entries(sum).map(([name, total]) => [name, mean(total)]),
  ) as unknown as ViewParts;
}

/** Null: it cannot be decoded. */
async function imageParts(request: PartsRequest, sample: number): Promise<ViewParts | null> {
  const { source, crops, seed, limits } = request;
  try {
    const read = await timed(() => source.read(sample));
    const name = source.name(sample);
    const decode = await timed(() => decodeBytes(read.value, name, { maxPixels: limits.maxPixels }));
    using image = decode.value;
    const recipe = await timed(() => multiCropRecipe(image, crops, randomStream(seed, "recipe", 0, sample)));
    const rendered = await renderedParts(request, image, recipe.value);
    return {
      read: read.cpu,
      decode: decode.cpu,
      recipe: recipe.cpu,
      ...rendered,
      bytesPerImage: read.value.length,
      readSeconds: read.seconds,
    };
  } catch (error) {
    if (error instanceof DecodeError || error instanceof UnreadableFile) return null;
    throw error;
  }
}

async function renderedParts({ crops }: PartsRequest, image: DecodedImage, recipe: ImageRecipe) {
  const { globalSize, localCrops, localSize } = crops;
  const shape = { images: 1, globalSize, localCrops, localSize };
  using views = await renderViews(shape, [image], [recipe]);
  const { resize, photometric } = views.seconds;
  return { resize: 1000 * resize, photometric: 1000 * photometric };
}

/** CPU milliseconds of the whole process, and the time that passed. */
async function timed<T>(action: () => T | Promise<T>): Promise<{ value: T; cpu: number; seconds: number }> {
  const [cpu, at] = [process.cpuUsage(), performance.now()];
  const value = await action();
  const seconds = (performance.now() - at) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { value, cpu: (user + system) / 1000, seconds };
}
