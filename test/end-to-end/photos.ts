/** Small folders of real image files, and a configuration that trains on them in seconds. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll } from "vitest";
import { randomStream } from "../../ts/random.js";

/** A folder that is there until all tests of the file are done. */
export function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "udi-end-to-end-"));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `count` pictures of blurred noise in two class folders of `folder`. */
export async function writePhotos(folder: string, count: number): Promise<void> {
  for (const name of ["coarse", "fine"]) mkdirSync(join(folder, name), { recursive: true });
  for (let number = 0; number < count; number++) {
    const name = number % 2 === 0 ? "coarse" : "fine";
    await noise(name === "coarse" ? 6 : 1, number).toFile(join(folder, name, `${number}.png`));
  }
}

/** Damages pictures that `writePhotos` wrote. */
export function damagePhotos(folder: string, numbers: readonly number[]): string[] {
  return numbers.map((number) => {
    const file = join(folder, number % 2 === 0 ? "coarse" : "fine", `${number}.png`);
    writeFileSync(file, "no image");
    return file;
  });
}

/** The same for the same number: a run on them can be repeated. */
function noise(blur: number, number: number) {
  const [width, height] = [48 + (number % 16), 56];
  const random = randomStream(number, "photo");
  const pixels = Uint8Array.from({ length: width * height * 3 }, () => random.integer(0, 256));
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .blur(blur)
    .png();
}

/** Writes `tiny.yaml`, six epochs of six steps for 48 pictures, and returns its path. */
export function writeTinyConfig(folder: string): string {
  const file = join(folder, "tiny.yaml");
  writeFileSync(file, TINY);
  return file;
}

const TINY = `extends: defaults
device: cpu
precision: fp32
threads: 1
data: { workers: 1 }
model:
  width: 32
  depth: 2
  heads: 2
  patchSize: 8
  head: { prototypes: 64, hiddenWidth: 48, bottleneckWidth: 16 }
crops: { globalSize: 32, localSize: 16, localCrops: 2, globalWindow: 2 }
training: { epochs: 6, batchSize: 8 }
schedule: { learningRate: 0.1, warmupEpochs: 1, warmupTeacherTemperatureEpochs: 2, teacherTemperature: 0.05 }
checkpoint: { keepLast: 99 }
logging: { everySteps: 1 }
evaluate: { pictures: { everyEpochs: null } }
`;
