/** Shows a run while it goes on: a bar on a terminal, plain lines elsewhere. */
import { SingleBar } from "cli-progress";
import type { StepRecord } from "../run/records.js";
import type { SampleTally } from "../train/skip-limit.js";
import type { TrainStart } from "../train/train-options.js";
import { PaceMeter } from "./pace.js";
import { statusText } from "./train-text.js";

/** One way to show a run. */
interface Display {
  step(step: number, status: string): void;
  /** Shows a line of its own, after the step that it belongs to. */
  say(line: string): void;
  close(): void;
}

/** Follows a run; before its start and after its end it only says what it is told. */
export class TrainProgress implements Disposable {
  readonly #stream: NodeJS.WriteStream;
  readonly #meter = new PaceMeter();
  #display: Display;
  #start: TrainStart | null = null;

  constructor(stream: NodeJS.WriteStream = process.stderr) {
    this.#stream = stream;
    this.#display = lines(stream, 1);
  }

  start(start: TrainStart): void {
    this.#start = start;
    this.#display = this.#stream.isTTY ? bar(this.#stream, start) : lines(this.#stream, everySteps(start));
  }

  step(record: StepRecord, samples: SampleTally): void {
    if (this.#start === null) return;
    const pace = this.#meter.add(record);
    this.#display.step(record.step, statusText({ record, samples, pace, start: this.#start }));
  }

  say(line: string): void {
    this.#display.say(line);
  }

  /** Leaves the terminal as it was. */
  [Symbol.dispose](): void {
    this.#display.close();
    this.#display = lines(this.#stream, 1);
  }
}

/** Steps from one line to the next; the last step is always shown. */
function everySteps({ config }: TrainStart): number {
  return config.logging.everySteps;
}

function lines(stream: NodeJS.WriteStream, every: number): Display {
  let unshown: string | null = null;
  const close = () => {
    if (unshown !== null) stream.write(`${unshown}\n`);
    unshown = null;
  };
  return {
    step(step, status) {
      unshown = status;
      if (step % every === 0) close();
    },
    say(line) {
      close();
      stream.write(`${line}\n`);
    },
    close,
  };
}

function bar(stream: NodeJS.WriteStream, { step, lastStep }: TrainStart): Display {
  const bar = new SingleBar({ stream, format: "{bar} {status}", barsize: 10, clearOnComplete: true });
  let last = { step, status: "" };
  const draw = () => bar.start(lastStep, last.step, { status: last.status });
  draw();
  return {
    step(step, status) {
      last = { step, status };
      bar.update(step, { status });
    },
    say(line) {
      bar.stop();
      stream.write(`${line}\n`);
      draw();
    },
    close() {
      bar.stop();
      if (last.status !== "") stream.write(`${last.status}\n`);
    },
  };
}
