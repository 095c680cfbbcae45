/** Files of one JSON object a line, which grow while a run goes on and are cut where it is taken up again. */
import { createReadStream, existsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { writeWholeFile } from "./whole-files.js";

/** Appends lines. Those that the disk does not take are kept, and go in front of the next ones. */
export class JsonLines<Line> implements AsyncDisposable {
  readonly #handle: FileHandle;
  /** Length of the file up to its last whole line. */
  #length: number;
  #unwritten: string[] = [];
  #last: Promise<void> = Promise.resolve();

  private constructor(handle: FileHandle, length: number) {
    this.#handle = handle;
    this.#length = length;
  }

  static async open<Line>(file: string): Promise<JsonLines<Line>> {
    const handle = await open(file, "a");
    return new JsonLines<Line>(handle, (await handle.stat()).size);
  }

  /** Rejects where the disk does not take the lines; they are not lost. */
  async append(...lines: readonly Line[]): Promise<void> {
    this.#unwritten.push(...lines.map((line) => `${JSON.stringify(line)}\n`));
    await this.#write();
  }

  /** Everything appended is on the disk when it resolves. */
  async flush(): Promise<void> {
    await this.#write();
    await this.#handle.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last.catch(() => {});
    await this.#handle.close();
  }

  /** One write at a time, whoever asks for it. */
  #write(): Promise<void> {
    this.#last = this.#last.catch(() => {}).then(() => this.#writeKept());
    return this.#last;
  }

  async #writeKept(): Promise<void> {
    if (this.#unwritten.length === 0) return;
    const [count, text] = [this.#unwritten.length, this.#unwritten.join("")];
    try {
      await this.#handle.appendFile(text);
    } catch (error) {
      // A full disk may have taken half of a line.
      await this.#handle.truncate(this.#length).catch(() => {});
      throw error;
    }
    this.#length += Buffer.byteLength(text);
    this.#unwritten.splice(0, count);
  }
}

/** The lines of a file, oldest first; none where there is no file. A last line that a crash tore is left out. */
export async function* readJsonLines<Line>(file: string): AsyncGenerator<Line> {
  if (!existsSync(file)) return;
  const input = createReadStream(file, { encoding: "utf8" });
  for await (const text of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
    const line = parse<Line>(text);
    if (line === undefined) return;
    yield line;
  }
}

/** Rewrites the file with those of its lines that are kept, whole or not at all. */
export async function cutJsonLines<Line>(file: string, isKept: (line: Line) => boolean): Promise<void> {
  const kept: string[] = [];
  for await (const line of readJsonLines<Line>(file)) {
    if (isKept(line)) kept.push(`${JSON.stringify(line)}\n`);
  }
  await writeWholeFile(file, kept);
}

function parse<Line>(text: string): Line | undefined {
  try {
    return JSON.parse(text) as Line;
  } catch {
    return undefined;
  }
}
