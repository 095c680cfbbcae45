/** Ctrl-C and SIGTERM: the first asks the run to stop where it can go on later, a second leaves at once. */

/** As a shell reports a command that the signal ended. */
const EXIT_STATUS = { SIGINT: 130, SIGTERM: 143 } as const;

type StopSignal = keyof typeof EXIT_STATUS;

/** npm and npx hand a terminal's Ctrl-C on to a child that has got it from the terminal already. */
const ECHO_MILLISECONDS = 500;

export interface InterruptionHandlers {
  /** The first signal came; `signal` of the Interruption is aborted. */
  readonly onStop: () => void;
  /** A second one came: the process is about to end. */
  readonly onLeave: () => void;
}

/** Listens until it is disposed of. */
export class Interruption implements Disposable {
  readonly #controller = new AbortController();
  readonly #handlers: InterruptionHandlers;
  #first: { readonly name: StopSignal; readonly time: number } | null = null;

  constructor(handlers: InterruptionHandlers) {
    this.#handlers = handlers;
    for (const name of names()) process.on(name, this.#receive);
  }

  /** Aborted at the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Exit status of a run that was stopped; null: no signal came. */
  get exitStatus(): number | null {
    return this.#first === null ? null : EXIT_STATUS[this.#first.name];
  }

  [Symbol.dispose](): void {
    for (const name of names()) process.off(name, this.#receive);
  }

  readonly #receive = (name: StopSignal): void => {
    const now = performance.now();
    if (this.#first === null) {
      this.#first = { name, time: now };
      this.#handlers.onStop();
      this.#controller.abort();
    } else if (now - this.#first.time > ECHO_MILLISECONDS) {
      this.#handlers.onLeave();
      this[Symbol.dispose]();
      process.kill(process.pid, name); // not process.exit, which would wait for the engine's thread
    }
  };
}

function names(): StopSignal[] {
  return Object.keys(EXIT_STATUS) as StopSignal[];
}
