/** A file of one JSON object a line that is read on, each time, from where it ended the last time. */
import { type FileHandle, open } from "node:fs/promises";

/** What is made of the lines of a file. */
export interface Gathering<Line> {
  add(line: Line): void;
}

const BLOCK = 1024 * 1024;

const NEW_LINE = 0x0a;

/**
 * Logs grow at their end, and are replaced by a shorter one where a run is taken up again. So the newest line that was read
 * must still stand where it stood; otherwise it is another file, which is read from its start into a new gathering.
 */
export class FollowedLines<Line, Into extends Gathering<Line>> {
  readonly #file: string;
  readonly #begin: () => Into;
  #into: Into;
  /** Where the lines that have not been read begin. */
  #end = 0;
  #newest: Buffer = Buffer.alloc(0);
  #last: Promise<unknown> = Promise.resolve();

  constructor(file: string, begin: () => Into) {
    this.#file = file;
    this.#begin = begin;
    this.#into = begin();
  }

  /**
   * What all whole lines up to now have made; that of none where there is no file. A last line that a crash tore, or that is
   * being written, is left for the next time; lines that are no JSON are passed over.
   */
  read(): Promise<Into> {
    const reading = this.#last.then(() => this.#read());
    this.#last = reading.catch(() => {});
    return reading;
  }

  async #read(): Promise<Into> {
    const handle = await open(this.#file, "r").catch(() => null);
    if (handle === null) this.#restart();
    else await this.#readOn(handle).finally(() => handle.close());
    return this.#into;
  }

  #restart(): void {
    if (this.#end === 0) return;
    this.#into = this.#begin();
    this.#end = 0;
    this.#newest = Buffer.alloc(0);
  }

  async #readOn(handle: FileHandle): Promise<void> {
    const place = this.#end - this.#newest.length;
    const before = await readAt(handle, place, this.#newest.length);
    if (!before.equals(this.#newest)) this.#restart();
    let torn: Buffer = Buffer.alloc(0);
    for (;;) {
      const block = await readAt(handle, this.#end + torn.length, BLOCK);
      if (block.length === 0) return;
      torn = this.#take(torn.length === 0 ? block : Buffer.concat([torn, block]));
    }
  }

  /** Adds the whole lines of what follows the end, and gives back what is left of it. */
  #take(bytes: Buffer): Buffer {
    let start = 0;
    for (let end = bytes.indexOf(NEW_LINE); end >= 0; end = bytes.indexOf(NEW_LINE, start)) {
      this.#newest = bytes.subarray(start, end + 1);
      this.#add(this.#newest.toString("utf8"));
      start = end + 1;
    }
    this.#end += start;
    this.#newest = Buffer.from(this.#newest); // a copy of its own: it must not hold the block
    return bytes.subarray(start);
  }

  #add(text: string): void {
    try {
      const line: unknown = JSON.parse(text);
      if (typeof line === "object" && line !== null) this.#into.add(line as Line);
    } catch {
      // Torn by a crash, before the run was taken up again.
    }
  }
}

async function readAt(handle: FileHandle, place: number, length: number): Promise<Buffer> {
  const block = Buffer.alloc(length);
  const { bytesRead } = await handle.read(block, 0, length, place);
  return block.subarray(0, bytesRead);
}
