import { PassThrough } from "node:stream";
import { expect, test, vi } from "vitest";
import { countingProgress } from "../../ts/cli/counting-progress.js";

test("off a terminal a line is written every ten seconds, and none for what is done sooner", () => {
  const stream = new PassThrough() as unknown as NodeJS.WriteStream & PassThrough;
  vi.useFakeTimers({ toFake: ["performance"] });
  using progress = countingProgress(1000, "images", stream);
  for (let done = 1; done <= 1000; done++) {
    vi.advanceTimersByTime(25);
    progress.show(done, "2 MB");
  }
  vi.useRealTimers();
  expect(String(stream.read())).toBe("400/1000 images  2 MB\n800/1000 images  2 MB\n");
});
