/** The newest lines of a file that only grows, without reading the rest of it. */
import { type FileHandle, open } from "node:fs/promises";

const BLOCK = 64 * 1024;

/** What it would take more than this to find is left out: no file of ours has such lines. */
const FARTHEST = 64 * 1024 * 1024;

/**
 * The last `count` whole lines that hold a JSON object, oldest first; fewer where there are fewer, none where there is no
 * file. A last line that a crash tore, or that is being written, is left out.
 */
export async function lastJsonLines<Line>(file: string, count: number): Promise<Line[]> {
  const handle = await open(file, "r").catch(() => null);
  if (handle === null) return [];
  try {
    return parsed<Line>(await endOf(handle, count + 1), count);
  } finally {
    await handle.close();
  }
}

/** The end of the file, from the start of a line on: at least so many lines, or all of it. */
async function endOf(handle: FileHandle, count: number): Promise<string> {
  const { size } = await handle.stat();
  const blocks: Buffer[] = [];
  let [start, breaks] = [size, 0];
  while (start > 0 && breaks <= count && size - start < FARTHEST) {
    const length = Math.min(BLOCK, start);
    const block = Buffer.alloc(length);
    start -= length;
    await handle.read(block, 0, length, start);
    breaks += block.reduce((sum, byte) => sum + (byte === NEW_LINE ? 1 : 0), 0);
    blocks.unshift(block);
  }
  const bytes = Buffer.concat(blocks);
  return (start === 0 ? bytes : bytes.subarray(bytes.indexOf(NEW_LINE) + 1)).toString("utf8");
}

const NEW_LINE = 0x0a;

function parsed<Line>(text: string, count: number): Line[] {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1).split("\n");
  const lines = whole.flatMap((line) => objectIn<Line>(line));
  return lines.slice(-count);
}

function objectIn<Line>(text: string): Line[] {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? [value as Line] : [];
  } catch {
    return [];
  }
}
