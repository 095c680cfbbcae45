/** Files of one JSON object a line, which grow while a run goes on and are cut where it is taken up again. */
import { createReadStream, existsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { createInterface } from "node:readline";
import { writeWholeFile } from "./whole-files.js";

/** Appends lines. */
export class JsonLines<Line> implements AsyncDisposable {
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  static async open<Line>(file: string): Promise<JsonLines<Line>> {
    return new JsonLines<Line>(await open(file, "a"));
  }

  async append(...lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return;
    await this.#handle.appendFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  }

  /** Everything appended is on the disk when it resolves. */
  async flush(): Promise<void> {
    await this.#handle.sync();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
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
