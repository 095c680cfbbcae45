/** One image of a source: its bytes read, then decoded, in bounded memory. */
import type { ImageSource } from "../dataset/image-source.js";
import { UnreadableFile } from "../dataset/read-file.js";
import type { NativeImage } from "../native/engine.js";
import { decodeBytes } from "./decode.js";
import { DecodeError, PIXEL_LIMIT } from "./decode-error.js";
import { memoryRoom, type Room } from "./decoded-memory.js";

/** What images may take, as the keys data.maxPixels and data.decodedMegabytes. */
export interface ImageLimits {
  /** Largest width times height of an image. */
  readonly maxPixels: number;
  /** Bytes of the decoded images that are alive at once; a larger image is decoded alone. */
  readonly decodedBytes: number;
}

/** The defaults of the configuration. */
export const USUAL_LIMITS: ImageLimits = { maxPixels: PIXEL_LIMIT, decodedBytes: 1_000_000_000 };

/** In the units of the configuration. */
export function imageLimits(data: {
  readonly maxPixels: number;
  readonly decodedMegabytes: number;
}): ImageLimits {
  return { maxPixels: data.maxPixels, decodedBytes: data.decodedMegabytes * 1_000_000 };
}

export interface ReadLimits {
  /** Largest width times height of an image. */
  readonly maxPixels: number;
  /** Room for decoded images; each takes the bytes of its pixels before it is decoded. */
  readonly room: Room;
}

/** One budget for all that share it. */
export function readLimits({ maxPixels, decodedBytes }: ImageLimits = USUAL_LIMITS): ReadLimits {
  return { maxPixels, room: memoryRoom(decodedBytes) };
}

/** A decoded image; disposing of it frees its memory and the room that it took. */
export interface HeldImage extends Disposable {
  readonly image: NativeImage;
  /** Time that passed while it was read, and while it was decoded; that of waiting for room is none of them. */
  readonly seconds: { readonly read: number; readonly decode: number };
}

/** Throws DecodeError where it cannot be read or decoded. */
export async function readImage(source: ImageSource, index: number, limits: ReadLimits): Promise<HeldImage> {
  const began = performance.now();
  const bytes = await readBytes(source, index);
  const readAt = performance.now();
  let waited = 0;
  const taken: Disposable[] = [];
  const dispose = () => {
    for (const one of taken.splice(0).reverse()) one[Symbol.dispose]();
  };
  const room = async (size: number) => {
    const asked = performance.now();
    taken.push(await limits.room(size));
    waited = performance.now() - asked;
  };
  try {
    const image = await decodeBytes(bytes, source.name(index), { maxPixels: limits.maxPixels, room });
    taken.push(image);
    const decode = performance.now() - readAt - waited;
    const seconds = { read: (readAt - began) / 1000, decode: decode / 1000 };
    return { image, seconds, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

async function readBytes(source: ImageSource, index: number): Promise<Buffer> {
  try {
    return await source.read(index);
  } catch (cause) {
    if (!(cause instanceof UnreadableFile)) throw cause;
    throw new DecodeError(source.name(index), cause.message, { cause });
  }
}
