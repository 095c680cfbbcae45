/** Shows how the reading of names goes where it takes a while: a bar on a terminal, a line now and then elsewhere. */
import { SingleBar } from "cli-progress";
import type { IndexProgress } from "../dataset/image-source.js";

/** In milliseconds: what is done sooner is not shown, and how long a line is left alone. */
const SOON = 1000;
const BETWEEN_LINES = 10_000;

export class IndexingProgress implements Disposable {
  readonly #stream: NodeJS.WriteStream;
  readonly #began = Date.now();
  #shownAt = 0;
  #bar: SingleBar | null = null;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
  }

  report(progress: IndexProgress): void {
    const now = Date.now();
    if (now - this.#began < SOON) return;
    if (this.#stream.isTTY) this.#draw(progress);
    else if (now - this.#shownAt >= BETWEEN_LINES) {
      this.#shownAt = now;
      this.#stream.write(`${indexingText(progress)}\n`);
    }
  }

  #draw(progress: IndexProgress): void {
    const { done, total } = progress;
    const status = { status: indexingText(progress) };
    this.#bar ??= startedBar(this.#stream, total, status);
    this.#bar.setTotal(total);
    this.#bar.update(done, status);
  }

  /** Leaves the terminal as it was; may be reported to again. */
  [Symbol.dispose](): void {
    this.#bar?.stop();
    this.#bar = null;
  }
}

function startedBar(stream: NodeJS.WriteStream, total: number, status: object): SingleBar {
  const bar = new SingleBar({ stream, format: "{bar} {status}", barsize: 10, clearOnComplete: true });
  bar.start(total, 0, status);
  return bar;
}

export function indexingText({ path, images, done, total }: IndexProgress): string {
  return `reading names in ${path}: ${images} images, ${done} of ${total} parts`;
}
