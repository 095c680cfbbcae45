/** Signals: the first asks the run to stop where it can go on later; a Ctrl-C after that leaves at once. */

/**
 * Exit status of a run that was stopped, as a shell reports a command that the signal ended (SIGHUP does end it). A batch system that takes
 * its machine back (SIGTERM, or SIGUSR1 some time before) gets 0 and the marker `requeue`: nothing failed.
 */
const EXIT_STATUS = { SIGINT: 130, SIGTERM: 0, SIGUSR1: 0, SIGHUP: 129 } as const;

export type StopSignal = keyof typeof EXIT_STATUS;

/** npm and npx hand a terminal's Ctrl-C on to a child that has got it from the terminal already. */
const ECHO_MILLISECONDS = 500;

export interface InterruptionHandlers {
  /** The first signal came; `signal` of the Interruption is aborted. */
  readonly onStop: () => void;
  /** A Ctrl-C came after it: the process is about to end. */
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

  /** The signal, where the run is to be started again by whoever sent it; else null. */
  get requeue(): StopSignal | null {
    return this.#first !== null && EXIT_STATUS[this.#first.name] === 0 ? this.#first.name : null;
  }

  [Symbol.dispose](): void {
    for (const name of names()) process.off(name, this.#receive);
  }

  /** Node would set the terminal back at its end, and abort where that is gone. */
  readonly #leaveByHangUp = (): void => {
    this[Symbol.dispose]();
    process.kill(process.pid, "SIGHUP");
  };

  readonly #receive = (name: StopSignal): void => {
    const now = performance.now();
    if (this.#first === null) {
      this.#first = { name, time: now };
      if (name === "SIGHUP") process.once("exit", this.#leaveByHangUp);
      this.#handlers.onStop();
      this.#controller.abort();
    } else if (name === "SIGINT" && now - this.#first.time > ECHO_MILLISECONDS) {
      // Only somebody at a keyboard is in a hurry; a batch system that signals again must not cost the checkpoint.
      this.#handlers.onLeave();
      this[Symbol.dispose]();
      process.kill(process.pid, name); // not process.exit, which would wait for the engine's thread
    }
  };
}

function names(): StopSignal[] {
  return Object.keys(EXIT_STATUS) as StopSignal[];
}
