import { PassThrough } from "node:stream";
import { expect, test, vi } from "vitest";
import { byteText } from "../../ts/cli/byte-text.js";
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

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1300, "1.3 kB"],
  [147_000_000_000, "147 GB"],
  [5e16, "50000 TB"],
])("%d bytes are %s", (bytes, text) => {
  expect(byteText(bytes)).toBe(text);
});
