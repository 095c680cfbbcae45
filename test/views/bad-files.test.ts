import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { crc32, deflateSync } from "node:zlib";
import sharp, { type Sharp } from "sharp";
import { expect, test } from "vitest";
import { openImageSource } from "../../ts/dataset/image-source.js";
import { put } from "../dataset/samples.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { collected, imagesOf, writtenRequest } from "./written-batches.js";

const colour = { r: 90, g: 90, b: 90 };

function picture(width: number, height: number): Sharp {
  return sharp({ create: { width, height, channels: 3, background: colour } });
}

/** A sound PNG of 110 kilobytes that holds 30 000 x 30 000 white or black pixels. */
function bomb(): Buffer {
  const header = Buffer.from([0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30, 1, 0, 0, 0, 0]);
  const rows = deflateSync(Buffer.alloc(30_000 * (1 + 30_000 / 8)));
  const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    chunk("IDAT", rows),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(name: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(name), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}

test("a run goes on over every kind of bad file, and says of each what is wrong with it", async () => {
  const root = temporaryFolder();
  const jpeg = await picture(64, 48).jpeg().toBuffer();
  put(root, {
    "a/empty.jpg": "",
    "a/text.jpg": "this is no image",
    "a/truncated.jpg": jpeg.subarray(0, jpeg.length / 2),
    "a/header-only.jpg": jpeg.subarray(0, 20),
    "a/bomb.png": bomb(),
    "a/zero.ppm": "P6 0 7 255\n",
    "a/larger.png": await picture(201, 200).png().toBuffer(),
    "a/as-large.png": await picture(200, 200).png().toBuffer(),
    "a/png-inside.jpg": await picture(30, 20).png().toBuffer(),
    "a/vanished.jpg": jpeg,
    "b/vanished-folder.jpg": jpeg,
  });
  for (let number = 0; number < 9; number++) put(root, { [`c/${number}.jpg`]: jpeg });
  execFileSync("mkfifo", [join(root, "pipe.jpg")]);
  execFileSync("ln", ["-s", "../pipe.jpg", join(root, "a/pipe.jpg")]);
  const source = await openImageSource(root, "flat-folder");
  rmSync(join(root, "a/vanished.jpg"));
  rmSync(join(root, "b"), { recursive: true });

  const limits = { maxPixels: 40_000, decodedBytes: 200_000 };
  const batches = await collected(writtenRequest({ source, limits, epochs: 1, batchSize: 7, workers: 3 }));
  const skipped = batches.flatMap((batch) => batch.skipped);
  const reasons = new Map(skipped.map(({ file, reason }) => [file.slice(root.length + 1), reason]));
  const expected: Readonly<Record<string, RegExp>> = {
    "a/empty.jpg": /received an empty file/,
    "a/text.jpg": /expected an image, received something else/,
    "a/truncated.jpg": /./,
    "a/header-only.jpg": /./,
    "a/bomb.png": /pixel/,
    "a/zero.ppm": /received 0 x 7 pixels/,
    "a/larger.png": /pixel/,
    "a/pipe.jpg": /expected a file, received a folder, a pipe/,
    "a/vanished.jpg": /does not exist, or no more/,
    "b/vanished-folder.jpg": /does not exist, or no more/,
  };
  expect(batches).toHaveLength(3);
  for (const [file, reason] of Object.entries(expected)) expect(reasons.get(file), file).toMatch(reason);
  expect([...reasons.keys()].sort()).toEqual(Object.keys(expected).sort());
  const shown = new Set(batches.flatMap(imagesOf).map(([, width, height]) => `${width}x${height}`));
  expect([...shown].sort()).toEqual(["200x200", "30x20", "64x48"]);
});
