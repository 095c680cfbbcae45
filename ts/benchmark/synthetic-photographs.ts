/** JPEG files like those of ImageNet, made by code: 500 x 375 pixels, about 100 kB, with structure at every scale. */
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { cacheFolder } from "../dataset/cache-folder.js";
import { type RandomStream, randomStream } from "../random.js";
import { writeWholeFolder } from "../run/whole-files.js";

/** Raise it whenever the images change. */
const VERSION = 2;

const SIZE = { width: 500, height: 375 };

/** More than a processor's caches hold when they are decoded. */
const COUNT = 64;

/** Widths of the grids of random values that are laid over each other, and how strong each is. */
const LAYERS = [
  { columns: 4, strength: 110 },
  { columns: 12, strength: 60 },
  { columns: 40, strength: 34 },
] as const;

/** The same for those so fine that all images may share them, each with another part of the picture first. */
const SHARED_LAYERS = [
  { columns: 125, strength: 24 },
  { columns: 500, strength: 20 },
] as const;

export interface PhotographOptions {
  readonly cache?: string;
  /** Called with their number before they are made; never where they are there already. */
  readonly onStart?: (count: number) => void;
}

/** Folder of the files; they are made once and kept in the cache folder. */
export async function syntheticPhotographs(options: PhotographOptions = {}): Promise<string> {
  const { cache = cacheFolder(), onStart } = options;
  const folder = join(cache, `bench-views-v${VERSION}`);
  if (existsSync(folder)) return folder;
  onStart?.(COUNT);
  await mkdir(dirname(folder), { recursive: true });
  await writeWholeFolder(folder, async (partial) => {
    const random = randomStream(0, "photographs");
    const grain = await layers(SHARED_LAYERS, random);
    for (let number = 0; number < COUNT; number++) {
      const image = await photograph(grain, random);
      await image.jpeg({ quality: 94 }).toFile(join(partial, `${String(number).padStart(3, "0")}.jpg`));
    }
  });
  return folder;
}

/** Clouds of colour, and shapes with sharp edges on them. */
async function photograph(grain: Float32Array, random: RandomStream): Promise<Sharp> {
  const clouds = await layers(LAYERS, random);
  const start = 3 * random.integer(0, grain.length / 3);
  const pixels = Uint8ClampedArray.from(
    clouds,
    (value, at) => 128 + value + (grain[(start + at) % grain.length] ?? 0),
  );
  const picture = sharp(Buffer.from(pixels.buffer), { raw: { ...SIZE, channels: 3 } });
  return picture.composite([{ input: Buffer.from(shapes(random)) }]).removeAlpha();
}

/** The sum of some layers, around 0. */
async function layers(
  chosen: readonly { readonly columns: number; readonly strength: number }[],
  random: RandomStream,
): Promise<Float32Array> {
  const sum = new Float32Array(3 * SIZE.width * SIZE.height);
  for (const { columns, strength } of chosen) {
    const layer = await cloud(columns, random);
    for (let at = 0; at < sum.length; at++) {
      sum[at] = (sum[at] ?? 0) + strength * ((layer[at] ?? 0) / 128 - 1);
    }
  }
  return sum;
}

/** Random values, enlarged smoothly. */
async function cloud(columns: number, random: RandomStream): Promise<Buffer> {
  const rows = Math.round((columns * SIZE.height) / SIZE.width);
  const values = Uint8Array.from({ length: 3 * columns * rows }, () => random.integer(0, 256));
  const small = sharp(values, { raw: { width: columns, height: rows, channels: 3 } });
  return small.resize(SIZE.width, SIZE.height, { fit: "fill", kernel: "cubic" }).raw().toBuffer();
}

function shapes(random: RandomStream): string {
  const ellipses = Array.from({ length: 14 }, () => {
    const [x, y] = [random.integer(0, SIZE.width), random.integer(0, SIZE.height)];
    const [across, down] = [random.integer(6, 90), random.integer(6, 70)];
    const colour = `rgb(${random.integer(0, 256)},${random.integer(0, 256)},${random.integer(0, 256)})`;
    return `<ellipse cx="${x}" cy="${y}" rx="${across}" ry="${down}" fill="${colour}" fill-opacity="0.45"/>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE.width}" height="${SIZE.height}">${ellipses.join("")}</svg>`;
}
