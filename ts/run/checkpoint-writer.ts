/** Writes the checkpoints of a run beside its steps, one at a time. A disk that does not take one does not end the run. */
import type { Native } from "../native/engine.js";
import { beginCheckpoint, type CheckpointFacts, type Keeping, pruneCheckpoints } from "./checkpoints.js";

export interface CheckpointWriterOptions {
  /** The folder of the run's checkpoints. */
  readonly parent: string;
  /** Folder and step of the newest whole one; null: none yet. */
  readonly newest: SavedCheckpoint | null;
  readonly keeping: Keeping;
  /** Awaited before a checkpoint gets its name: what must be on the disk with it. */
  readonly before: () => Promise<void>;
  readonly onRemark: (line: string) => void;
}

export interface SavedCheckpoint {
  readonly folder: string;
  readonly step: number;
}

export class CheckpointWriter {
  readonly #options: CheckpointWriterOptions;
  #newest: SavedCheckpoint | null;
  #writing: Promise<void> = Promise.resolve();
  #failure: Error | null = null;

  constructor(options: CheckpointWriterOptions) {
    this.#options = options;
    this.#newest = options.newest;
  }

  /** The newest whole one; null: none yet. */
  get newest(): SavedCheckpoint | null {
    return this.#newest;
  }

  /** Why the last one could not be written; null: it could. */
  get failure(): Error | null {
    return this.#failure;
  }

  /** Waits for an earlier one; resolves when the state is asked for. A failure is remarked, and told by `failure`. */
  async save(native: Pick<Native, "save">, facts: CheckpointFacts): Promise<void> {
    await this.#writing;
    try {
      const { parent, before } = this.#options;
      const { written } = await beginCheckpoint(parent, native, facts, before);
      this.#writing = written.then(
        (folder) => this.#succeed({ folder, step: facts.step }),
        (error) => this.#fail(error, facts.step),
      );
    } catch (error) {
      this.#fail(error, facts.step);
    }
  }

  /** Resolves when nothing is being written any more. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /** Removes what the next checkpoint would make superfluous, but never the newest. Returns how many went. */
  async giveWay(): Promise<number> {
    if (this.#newest === null) return 0;
    const { parent, keeping } = this.#options;
    const keepLast = Math.max(1, keeping.keepLast - 1);
    return pruneCheckpoints(parent, this.#newest.step, { ...keeping, keepLast });
  }

  async #succeed(saved: SavedCheckpoint): Promise<void> {
    this.#newest = saved;
    this.#failure = null;
    const { parent, keeping, onRemark } = this.#options;
    await pruneCheckpoints(parent, saved.step, keeping).catch((error: unknown) => {
      onRemark(`older checkpoints in ${parent} cannot be removed: ${reasonOf(error)}`);
    });
  }

  #fail(error: unknown, step: number): void {
    this.#failure = error instanceof Error ? error : new Error(String(error));
    const good = this.#newest === null ? "there is none yet" : `the last good one is ${this.#newest.folder}`;
    this.#options.onRemark(
      `the checkpoint of step ${step} cannot be written and the run goes on; ${good}: ${reasonOf(error)}`,
    );
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
