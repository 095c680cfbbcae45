/** Linear classifiers trained at once on rows of frozen features, on a native thread of their own. */
import { ArgumentError } from "../errors.js";
import type * as addon from "./addon.js";
import {
  fileName,
  finiteNumber,
  float32Array,
  int32Array,
  list,
  record,
  wholeNumber,
} from "./argument-checks.js";
import { checkDevice, MOST_THREADS } from "./check-options.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";

/** The columns of a row that a classifier sees. */
export interface ProbeCandidate {
  readonly firstColumn: number;
  readonly columns: number;
}

export interface ProbeOptions {
  /** Values of a row. */
  readonly rowWidth: number;
  /** At least 2. */
  readonly classes: number;
  /** Share of the old step in the new one, in [0, 1). */
  readonly momentum: number;
  /** Seeds the initial weights, N(0, 0.01): a function of it and of the columns. */
  readonly seed: number;
  /** "cpu", "cuda" or "cuda:1". */
  readonly device: string;
  /** CPU threads of tensor operations; 0: libtorch's own choice. */
  readonly threads: number;
  readonly candidates: readonly ProbeCandidate[];
}

/** Rows of features and their classes. */
export interface LabelledRows {
  /** `[labels.length, rowWidth]`, finite. */
  readonly rows: Float32Array;
  /** Each in [0, classes). */
  readonly labels: Int32Array;
}

/** Classifiers. Calls are queued on their thread and made in their order; arrays are copied when a call is made. */
export interface Probe extends AsyncDisposable {
  /**
   * One step of SGD on the batch's mean cross-entropy, with a learning rate for each candidate. Gives the losses before it:
   * not finite where a learning rate was too large for its candidate.
   */
  step(batch: LabelledRows, learningRates: readonly number[]): Promise<number[]>;
  /**
   * `[candidates, rows]`: the classes that a candidate ranks before the right one. 0 is a hit; the number of classes
   * where its logits are no numbers.
   */
  ranks(batch: LabelledRows): Promise<Int32Array>;
  /** Everything that training needs to go on, as one safetensors file, written whole or not at all. */
  save(file: string): Promise<void>;
  /** Goes on from a file that `save` wrote for the same candidates: the steps made. */
  load(file: string): Promise<number>;
  close(): Promise<void>;
}

/** Starts a thread and makes the classifiers there. */
export async function openProbe(options: ProbeOptions): Promise<Probe> {
  const checked = checkProbe(options);
  const probe = await delegate(() => engineAddon().openProbe(checked));
  return new NativeProbe(probe);
}

class NativeProbe implements Probe {
  readonly #probe: addon.Probe;
  #closing: Promise<void> | undefined;

  constructor(probe: addon.Probe) {
    this.#probe = probe;
  }

  async step(batch: LabelledRows, learningRates: readonly number[]): Promise<number[]> {
    const probe = this.#open();
    const { rows, labels } = checkBatch(batch);
    const rates = list("learningRates", learningRates, finiteNumber);
    return delegate(() => probe.step(rows, labels, rates));
  }

  async ranks(batch: LabelledRows): Promise<Int32Array> {
    const probe = this.#open();
    const { rows, labels } = checkBatch(batch);
    return delegate(() => probe.ranks(rows, labels));
  }

  async save(file: string): Promise<void> {
    const probe = this.#open();
    const name = fileName("file", file);
    return delegate(() => probe.save(name));
  }

  async load(file: string): Promise<number> {
    const probe = this.#open();
    const name = fileName("file", file);
    return delegate(() => probe.load(name));
  }

  async close(): Promise<void> {
    this.#closing ??= delegate(() => this.#probe.close());
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(): addon.Probe {
    if (this.#closing === undefined) return this.#probe;
    throw new ArgumentError("probe: expected an open probe, received one that is closed");
  }
}

function checkProbe(value: unknown): addon.ProbeOptions {
  const options = record("options", value);
  return {
    rowWidth: wholeNumber("rowWidth", options.rowWidth, 1),
    classes: wholeNumber("classes", options.classes, 2),
    momentum: finiteNumber("momentum", options.momentum),
    seed: wholeNumber("seed", options.seed, 0, Number.MAX_SAFE_INTEGER),
    device: checkDevice(options.device),
    threads: wholeNumber("threads", options.threads, 0, MOST_THREADS),
    candidates: list("candidates", options.candidates, checkCandidate),
  };
}

function checkCandidate(name: string, value: unknown): addon.ProbeCandidate {
  const candidate = record(name, value);
  return {
    firstColumn: wholeNumber(`${name}.firstColumn`, candidate.firstColumn),
    columns: wholeNumber(`${name}.columns`, candidate.columns, 1),
  };
}

function checkBatch(value: unknown): LabelledRows {
  const batch = record("batch", value);
  return { rows: float32Array("rows", batch.rows), labels: int32Array("labels", batch.labels) };
}
