/** One image of a source, looked at from all sides. */
import { hash } from "node:crypto";
import sharp from "sharp";
import type { ImageSource } from "../dataset/image-source.js";
import { UnreadableFile } from "../dataset/read-file.js";
import { isBitmap } from "../views/bitmap.js";
import { decodeBytes } from "../views/decode.js";
import { DecodeError } from "../views/decode-error.js";
import type { Room } from "../views/decoded-memory.js";
import { isNetpbm } from "../views/netpbm.js";

export interface UsableImage {
  readonly width: number;
  readonly height: number;
  /** As "jpeg", "png", "bmp". */
  readonly format: string;
  /** Colour space and depth as they lie in the file, as "rgb 8 bit" or "gray 16 bit, alpha". */
  readonly colours: string;
}

export interface ExaminedImage {
  /** Bytes of the file; 0: it could not be read. */
  readonly bytes: number;
  /** First 8 bytes of the SHA-256 of its content; null: it could not be read. */
  readonly digest: bigint | null;
  /** What is wrong with it, or what it is. */
  readonly outcome: UsableImage | { readonly reason: string };
}

export interface ExaminationLimits {
  readonly maxPixels: number;
  readonly room: Room;
}

/** Reads and decodes it as training does. */
export async function examineImage(
  source: ImageSource,
  index: number,
  limits: ExaminationLimits,
): Promise<ExaminedImage> {
  try {
    const content = await source.read(index);
    const digest = hash("sha256", content, "buffer").readBigUInt64BE();
    const outcome = await decodedOrReason(content, source.name(index), limits);
    return { bytes: content.length, digest, outcome };
  } catch (error) {
    if (!(error instanceof UnreadableFile)) throw error;
    return { bytes: 0, digest: null, outcome: { reason: error.message } };
  }
}

async function decodedOrReason(
  content: Buffer,
  name: string,
  { maxPixels, room }: ExaminationLimits,
): Promise<ExaminedImage["outcome"]> {
  const taken: Disposable[] = [];
  try {
    const image = await decodeBytes(content, name, {
      maxPixels,
      room: async (bytes) => void taken.push(await room(bytes)),
    });
    taken.push(image);
    return { width: image.width, height: image.height, ...(await kindOf(content)) };
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    return { reason: error.reason };
  } finally {
    for (const held of taken) held[Symbol.dispose]();
  }
}

/** libvips names two spaces by their depth too. */
const SPACES: Readonly<Record<string, string>> = {
  srgb: "rgb",
  rgb16: "rgb",
  "b-w": "gray",
  grey16: "gray",
};

const DEPTHS: Readonly<Record<string, string>> = { uchar: "8 bit", ushort: "16 bit", float: "float" };

/** P2 and P5 are gray, P3 and P6 are RGB. */
function netpbmColours(content: Buffer): string {
  return ["2", "5"].includes(content.toString("latin1", 1, 2)) ? "gray" : "rgb";
}

async function kindOf(content: Buffer): Promise<Pick<UsableImage, "format" | "colours">> {
  if (isBitmap(content)) return { format: "bmp", colours: "rgb 8 bit" };
  if (isNetpbm(content)) return { format: "netpbm", colours: netpbmColours(content) };
  const { format, space, depth, hasAlpha } = await sharp(content, { limitInputPixels: false }).metadata();
  const alpha = hasAlpha ? ", alpha" : "";
  return { format, colours: `${SPACES[space] ?? space} ${DEPTHS[depth] ?? depth}${alpha}` };
}
