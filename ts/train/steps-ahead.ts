/**
 * Steps that are given to the learner one ahead: while it works on one it holds the next, so that a GPU has work while the
 * host logs and prepares. Steps are settled, which is recorded and told, in their order and as soon as they are made.
 */

/** What is done with a step. */
export interface StepWork<Step, Report> {
  /** Gives it to the learner, which makes steps in the order in which it is given them. */
  readonly make: (step: Step) => Promise<Report>;
  /** Writes down a step that was made: every one of them, whatever else fails. */
  readonly record: (step: Step, report: Report) => Promise<void>;
  /** Tells of it; of no step once something has failed. */
  readonly tell: (step: Step, report: Report) => void;
}

type Outcome<Report> = { readonly report: Report } | { readonly error: unknown };

export class StepsAhead<Step, Report> {
  readonly #work: StepWork<Step, Report>;
  /** Of the step given last. Never rejects: what goes wrong is kept until somebody asks. */
  #settling: Promise<void> = Promise.resolve();
  #underway = 0;
  #idleSince = 0;
  #failure: { readonly error: unknown } | null = null;
  #stepFailed = false;

  constructor(work: StepWork<Step, Report>) {
    this.#work = work;
  }

  /**
   * Gives a step, and resolves when the one before it is settled: to be awaited before the next is given. Throws the first
   * thing that went wrong; what is known to have gone wrong before is thrown in place of giving the step.
   */
  async give(step: Step): Promise<void> {
    this.#throwFailure();
    const before = this.#settling;
    this.#settling = this.#settle(step, this.#make(step), before);
    await before;
    this.#throwFailure();
  }

  /** Resolves when no step is underway and all that were made are recorded. Throws the first thing that went wrong. */
  async settle(): Promise<void> {
    await this.#settling;
    this.#throwFailure();
  }

  /**
   * Whether the learner's state, once settled, is that after the last step recorded. Not where a step failed: the one given
   * behind it may have been made, and counts for nothing.
   */
  get isRecorded(): boolean {
    return !this.#stepFailed;
  }

  /** When the learner had made all it was given, by `performance.now()`; Infinity while it is at work. */
  get busyUntil(): number {
    return this.#underway > 0 ? Number.POSITIVE_INFINITY : this.#idleSince;
  }

  async #make(step: Step): Promise<Outcome<Report>> {
    this.#underway += 1;
    try {
      return { report: await this.#work.make(step) };
    } catch (error) {
      return { error };
    } finally {
      this.#underway -= 1;
      this.#idleSince = performance.now();
    }
  }

  async #settle(step: Step, making: Promise<Outcome<Report>>, before: Promise<void>): Promise<void> {
    const [outcome] = await Promise.all([making, before]);
    if (this.#stepFailed) return;
    try {
      if ("error" in outcome) {
        this.#stepFailed = true;
        throw outcome.error;
      }
      await this.#work.record(step, outcome.report);
      if (this.#failure === null) this.#work.tell(step, outcome.report);
    } catch (error) {
      this.#failure ??= { error };
    }
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure.error;
  }
}
