/** Reads and decodes every image of a source once. */
import type { ImageSource } from "../dataset/image-source.js";
import { memoryRoom } from "../views/decoded-memory.js";
import { examineImage } from "./examined-image.js";
import { Records } from "./records.js";
import { type CheckReport, dataReport } from "./report.js";

export interface CheckRequest {
  readonly source: ImageSource;
  /** Images in work at once. */
  readonly workers: number;
  readonly maxPixels: number;
  /** Sides of crops, in pixels, with which the images are compared. */
  readonly crops: readonly number[];
  readonly onProgress?: (progress: CheckProgress) => void;
}

export interface CheckProgress {
  readonly done: number;
  readonly bad: number;
  readonly bytes: number;
}

/** Decoded images alive at once, in bytes; one that is larger is let in alone. */
const DECODED_BYTES = 2 ** 30;

/** In the order of the source, so that shards are read from front to back. The report does not depend on `workers`. */
export async function checkData(request: CheckRequest): Promise<CheckReport> {
  const { source, workers, maxPixels, crops, onProgress } = request;
  const began = performance.now();
  const records = new Records(source.count);
  const limits = { maxPixels, room: memoryRoom(DECODED_BYTES) };
  let [next, done] = [0, 0];
  const worker = async () => {
    while (next < source.count) {
      const index = next++;
      records.add(index, await examineImage(source, index, limits));
      done += 1;
      onProgress?.({ done, bad: done - records.usable, bytes: records.bytes });
    }
  };
  try {
    await Promise.all(Array.from({ length: workers }, worker));
  } finally {
    next = source.count; // after a failure the others have no more to do
  }
  return dataReport({ source, records, seconds: (performance.now() - began) / 1000, crops });
}
