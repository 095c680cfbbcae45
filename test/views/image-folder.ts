/** Folders of small real images, some of them damaged. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import sharp from "sharp";
import { type ImageSource, openImageSource } from "../../ts/dataset/image-source.js";
import { temporaryFolder } from "../native/fake-libtorch.js";

export interface FolderOptions {
  readonly images: number;
  /** Of every image. Default: 24. */
  readonly height?: number;
  /** Numbers of the images that hold text instead. */
  readonly damaged?: readonly number[];
}

/** Image n is n pixels wider than 16, 24 pixels high, and all of one colour: 7 n in each channel. */
export async function imageFolder({
  images,
  height = 24,
  damaged = [],
}: FolderOptions): Promise<ImageSource> {
  const root = temporaryFolder();
  for (let number = 0; number < images; number++) {
    const background = { r: 7 * number, g: 7 * number, b: 7 * number };
    const image = sharp({ create: { width: 16 + number, height, channels: 3, background } });
    const bytes = damaged.includes(number) ? "no image" : await image.png().toBuffer();
    put(join(root, `${String(number).padStart(3, "0")}.png`), bytes);
  }
  return openImageSource(root, "flat-folder");
}

function put(file: string, bytes: Buffer | string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
}
