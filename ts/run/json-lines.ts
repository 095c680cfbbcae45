/** Files of one JSON object a line, which grow while a run goes on and are cut where it is taken up again. */
import { createReadStream, existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { GrowingFile } from "./growing-file.js";
import { writeWholeFile } from "./whole-files.js";

/** Appends lines. Those that the disk does not take are kept, and go in front of the next ones. */
export class JsonLines<Line> implements AsyncDisposable {
  readonly #file: GrowingFile;

  private constructor(file: GrowingFile) {
    this.#file = file;
  }

  static async open<Line>(file: string): Promise<JsonLines<Line>> {
    return new JsonLines<Line>(await GrowingFile.open(file));
  }

  /** Rejects where the disk does not take the lines; they are not lost. */
  async append(...lines: readonly Line[]): Promise<void> {
    await this.#file.append(...lines.map((line) => Buffer.from(`${JSON.stringify(line)}\n`)));
  }

  /** Everything appended is on the disk when it resolves. */
  async flush(): Promise<void> {
    await this.#file.flush();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file[Symbol.asyncDispose]();
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
