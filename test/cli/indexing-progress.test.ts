import { PassThrough } from "node:stream";
import { expect, onTestFinished, test, vi } from "vitest";
import { IndexingProgress } from "../../ts/cli/indexing-progress.js";

function recorded(features: object = {}) {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream & PassThrough;
  Object.assign(stream, features);
  vi.useFakeTimers({ toFake: ["Date"] });
  onTestFinished(() => void vi.useRealTimers());
  return { stream, text: () => String(stream.read() ?? "") };
}

function report(progress: IndexingProgress, seconds: number): void {
  for (let done = 1; done <= seconds; done++) {
    vi.advanceTimersByTime(1000);
    progress.report({ path: "/data", images: 100 * done, done, total: 50 });
  }
}

test("off a terminal a line is written now and then, and none where names are read at once", () => {
  const { stream, text } = recorded();
  using progress = new IndexingProgress(stream);
  progress.report({ path: "/data", images: 5, done: 1, total: 1 });
  expect(text()).toBe("");
  report(progress, 25);
  expect(text().split("\n")).toEqual([
    "reading names in /data: 100 images, 1 of 50 parts",
    "reading names in /data: 1100 images, 11 of 50 parts",
    "reading names in /data: 2100 images, 21 of 50 parts",
    "",
  ]);
});

test("on a terminal there is a bar, and nothing of it is left", () => {
  const write = () => stream.write("~");
  const { stream, text } = recorded({
    isTTY: true,
    columns: 200,
    cursorTo: write,
    moveCursor: write,
    clearLine: write,
    clearScreenDown: write,
  });
  const progress = new IndexingProgress(stream);
  report(progress, 3);
  progress[Symbol.dispose]();
  const shown = text();
  expect(shown).toContain("reading names in /data: 100 images");
  expect(shown).not.toContain("\n");
  report(progress, 1);
  progress[Symbol.dispose]();
  expect(text()).toContain("reading names in /data");
});
