/** The native engine: one learner on one native thread, and the work around it that is native too. */
import { ArgumentError } from "../errors.js";
import type * as addon from "./addon.js";
import { choice, fileName } from "./argument-checks.js";
import { checkBatch, checkEvaluationViews, checkSchedule } from "./check-batch.js";
import { checkOptions } from "./check-options.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import { type AttentionMaps, attentionMaps, checkImages, type ImageBatch } from "./image-batch.js";
import { inspectionBy, type NetworkInspection } from "./inspection.js";
import type { ViewBatch } from "./rendered-views.js";
import type {
  AdoptedParameter,
  MultiCropBatch,
  NativeOptions,
  SavedState,
  ScheduleValues,
  StepReport,
} from "./types.js";
import { ViewHandle } from "./view-handle.js";
import { NETWORKS, type NetworkName } from "./weights.js";

export type { NetworkInspection } from "./inspection.js";
export { type CudaDevice, type Machine, machine } from "./machine.js";
export { type NativeImage, nativeImage } from "./native-image.js";
export { neighbourVote } from "./neighbour-vote.js";
export { principalComponents } from "./principal-components.js";
export { type RenderViews, renderEvaluationViews, renderViews, type ViewBatch } from "./rendered-views.js";
export type { AdoptedParameter } from "./types.js";
export { openViewBatch, type ViewExecutor, type ViewFilling } from "./view-filling.js";
export { setViewThreads } from "./view-threads.js";

/** Views of whole images, to be embedded. */
export interface EvaluationViews {
  readonly images: number;
  /** Side in pixels; a multiple of the patch size. */
  readonly size: number;
  /** `[images, 3, size, size]`: RGB bytes, normalised on the device, or normalised floats. */
  readonly pixels: Uint8Array | Float32Array;
}

export interface StepOptions {
  /** Measure the phases of the step, which makes a GPU finish each before the next. Default: false. */
  readonly profile?: boolean;
}

/**
 * A learner. Calls are queued on its thread and made in their order. Arrays are copied when a call is made, so they
 * may be written to, or handed to another thread, while its promise is pending.
 */
export interface Native extends AsyncDisposable {
  readonly options: NativeOptions;
  /**
   * One training step. Throws NonFiniteLossError, and leaves the weights as they were, where a loss is not finite. On a GPU
   * a step that is asked for before the one in front of it has resolved is begun while the GPU still works on that one; what
   * comes of both is the same.
   */
  stepUdi(batch: MultiCropBatch | ViewBatch, at: ScheduleValues, options?: StepOptions): Promise<StepReport>;
  /** Class-token features after the final norm: `[images, C]`. Default: of the teacher. */
  embed(views: EvaluationViews, network?: "teacher" | "student"): Promise<Float32Array>;
  /** Tokens after the final norm, class tokens first: `[images, P + N, C]`. Default: of the teacher. */
  tokens(batch: ImageBatch, network?: "teacher" | "student"): Promise<Float32Array>;
  /** Attention of the class tokens in the last block. Default: of the teacher. */
  attention(batch: ImageBatch, network?: "teacher" | "student"): Promise<AttentionMaps>;
  /** Shows both networks images, batch by batch, and says what they tell apart: to see a collapse. */
  inspection(): NetworkInspection;
  /** Floating-point operations a second of matrix products in the engine's precision, measured now (1.5 s). */
  matrixPeak(): Promise<number>;
  /** Most bytes that tensors of the CUDA device took at once in this process; null on the CPU. */
  peakDeviceBytes(): Promise<number | null>;
  /**
   * Makes `calls` while libtorch records what it is given for them and what the engine's GPU does, and writes the record:
   * JSON that chrome://tracing and Perfetto show. One record at a time in a process.
   */
  traced(file: string, calls: () => Promise<unknown>): Promise<void>;
  /**
   * Everything that training needs to go on, as one safetensors file, written whole or not at all. The state is that
   * after the calls made before; calls made after it wait only until it is copied, not until it is written.
   */
  save(file: string): Promise<SavedState>;
  /** Goes on from a file that `save` wrote for a model of the same shape. */
  load(file: string): Promise<void>;
  /** Before the first step: both networks take what fits of a network in a file of weights (ts/native/weights.ts). */
  startFrom(file: string, network: NetworkName): Promise<readonly AdoptedParameter[]>;
  /** Resolves when all calls made before are done and the memory is free; later calls are refused. */
  close(): Promise<void>;
}

/** Starts an engine thread and makes its learner there. */
export async function openEngine(options: NativeOptions): Promise<Native> {
  const checked = checkOptions(options);
  const engine = await delegate(() => engineAddon().openEngine(checked));
  return new NativeEngine(checked as NativeOptions, engine);
}

class NativeEngine implements Native {
  readonly options: NativeOptions;
  readonly #engine: addon.Engine;
  #closing: Promise<void> | undefined;

  constructor(options: NativeOptions, engine: addon.Engine) {
    this.options = options;
    this.#engine = engine;
  }

  async stepUdi(
    batch: MultiCropBatch | ViewBatch,
    at: ScheduleValues,
    options: StepOptions = {},
  ): Promise<StepReport> {
    const engine = this.#open();
    const profile = options?.profile === true;
    const values = checkSchedule(at);
    if (batch instanceof ViewHandle) {
      const { views } = batch;
      return delegate(() => engine.stepViews(views, values, profile));
    }
    const arrays = checkBatch(batch);
    return delegate(() => engine.stepArrays(arrays, values, profile));
  }

  async embed(views: EvaluationViews, network: "teacher" | "student" = "teacher"): Promise<Float32Array> {
    const engine = this.#open();
    const checked = checkEvaluationViews(views);
    const which = branch(network);
    return delegate(() => engine.embed(checked, which));
  }

  async tokens(batch: ImageBatch, network: "teacher" | "student" = "teacher"): Promise<Float32Array> {
    const engine = this.#open();
    const [images, which] = [checkImages(batch, this.options.model), branch(network)];
    return delegate(() => engine.tokens(images, which));
  }

  async attention(batch: ImageBatch, network: "teacher" | "student" = "teacher"): Promise<AttentionMaps> {
    const engine = this.#open();
    const { model } = this.options;
    const [images, which] = [checkImages(batch, model), branch(network)];
    const values = await delegate(() => engine.attention(images, false, which));
    return attentionMaps(values, images, model, "class");
  }

  inspection(): NetworkInspection {
    this.#open();
    return inspectionBy(() => this.#open());
  }

  async matrixPeak(): Promise<number> {
    const engine = this.#open();
    return delegate(() => engine.matrixPeak());
  }

  async peakDeviceBytes(): Promise<number | null> {
    const engine = this.#open();
    return (await delegate(() => engine.peakDeviceBytes())) ?? null;
  }

  async traced(file: string, calls: () => Promise<unknown>): Promise<void> {
    const engine = this.#open();
    const name = fileName("file", file);
    await delegate(() => engine.beginTrace());
    try {
      await calls();
    } finally {
      await delegate(() => engine.finishTrace(name));
    }
  }

  async save(file: string): Promise<SavedState> {
    const engine = this.#open();
    const name = fileName("file", file);
    return delegate(() => engine.save(name));
  }

  async load(file: string): Promise<void> {
    const engine = this.#open();
    const name = fileName("file", file);
    return delegate(() => engine.load(name));
  }

  async startFrom(file: string, network: NetworkName): Promise<readonly AdoptedParameter[]> {
    const engine = this.#open();
    const [name, which] = [fileName("file", file), choice("network", network, NETWORKS)];
    const adopted = await delegate(() => engine.startFrom(name, which));
    return adopted as AdoptedParameter[];
  }

  async close(): Promise<void> {
    this.#closing ??= delegate(() => this.#engine.close());
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #open(): addon.Engine {
    if (this.#closing === undefined) return this.#engine;
    throw new ArgumentError("native: expected an open engine, received one that is closed");
  }
}

function branch(network: unknown): "teacher" | "student" {
  return choice("network", network, ["teacher", "student"]);
}
