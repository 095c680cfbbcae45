/** Shows how far work on a known number of things has come: a bar on a terminal, a line now and then elsewhere. */
import { SingleBar } from "cli-progress";

/** Milliseconds from one line to the next off a terminal. */
const PAUSE = 10_000;

const SIGNALS = ["SIGINT", "SIGTERM"] as const;

export interface CountingProgress extends Disposable {
  /** `detail` stands beside the number. */
  show(done: number, detail: string): void;
}

/** What is counted is named in the plural. */
export function countingProgress(
  total: number,
  what: string,
  stream: NodeJS.WriteStream = process.stderr,
): CountingProgress {
  return stream.isTTY ? bar(total, what, stream) : lines(total, what, stream);
}

function bar(total: number, what: string, stream: NodeJS.WriteStream): CountingProgress {
  const format = `{bar} {value}/{total} ${what}  {detail}  ETA {eta_formatted}`;
  const shown = new SingleBar({ stream, format, barsize: 20, clearOnComplete: true, etaBuffer: 500 });
  shown.start(total, 0, { detail: "" });
  // The bar has changed how the terminal wraps lines; a process that is killed would leave it so.
  const leave = (signal: NodeJS.Signals) => {
    shown.stop();
    process.kill(process.pid, signal);
  };
  for (const signal of SIGNALS) process.once(signal, leave);
  return {
    show: (done, detail) => shown.update(done, { detail }),
    [Symbol.dispose]() {
      shown.stop();
      for (const signal of SIGNALS) process.off(signal, leave);
    },
  };
}

function lines(total: number, what: string, stream: NodeJS.WriteStream): CountingProgress {
  let due = performance.now() + PAUSE;
  return {
    show(done, detail) {
      if (performance.now() < due) return;
      due = performance.now() + PAUSE;
      stream.write(`${done}/${total} ${what}  ${detail}\n`);
    },
    [Symbol.dispose]() {},
  };
}
