/** How far a pass over images is, on stderr: now and then a line. */

const PAUSE_MILLISECONDS = 5_000;

export type ImageProgress = (done: number, total: number) => void;

/** The last image always has its line. */
export function imageProgress(what: string, say: (line: string) => void): ImageProgress {
  const start = performance.now();
  let last = start;
  return (done, total) => {
    const now = performance.now();
    if (done < total && now - last < PAUSE_MILLISECONDS) return;
    last = now;
    const rate = done / Math.max((now - start) / 1000, 1e-3);
    say(`${what}: ${done} of ${total} images, ${rate.toFixed(rate < 10 ? 1 : 0)} images/s`);
  };
}
