/** The linear probe of a checkpoint on two folders: everything is opened, probed and closed. */
import { openImageSource } from "../../dataset/image-source.js";
import type { BaselineName } from "../baselines/baseline.js";
import { type LinearBaseline, linearBaselines } from "../baselines/linear-baselines.js";
import { type CheckpointEncoderOptions, openCheckpointEncoder } from "../open-encoder.js";
import { viewWorkers } from "../view-workers.js";
import { evaluateLinear, type LinearRequest } from "./linear.js";
import type { LinearResult } from "./result.js";
import { candidatesOf, type LinearSettings, linearSettings } from "./settings.js";

type GivenSettings = Parameters<typeof linearSettings>[0];

export interface ProbeCheckpointOptions
  extends CheckpointEncoderOptions,
    Pick<LinearRequest, "out" | "signal" | "onFeatures" | "onImages" | "onEpoch" | "onRemark"> {
  /** Folders of one sub-folder for each class. */
  readonly train: string;
  readonly val: string;
  /** What is left open takes the reference's value. */
  readonly settings?: GivenSettings;
  /** Of the frozen network; default: fp32, as in the reference. */
  readonly precision?: CheckpointEncoderOptions["precision"];
  /** Images decoded at once; default: as for training. */
  readonly workers?: number | undefined;
  /** Whether the untrained network and raw pixels are probed too; default false. */
  readonly baselines?: boolean | undefined;
  readonly onBaseline?: ((name: BaselineName) => void) | undefined;
  /** Called once everything is open. */
  readonly onStart?: (start: ProbeStart) => void;
}

/** What is about to run. */
export interface ProbeStart {
  readonly settings: LinearSettings;
  readonly classifiers: number;
  readonly device: string;
  readonly classes: number;
  readonly trainImages: number;
  readonly valImages: number;
}

export interface CheckpointProbe extends LinearResult {
  /** None unless they were asked for. */
  readonly baselines: readonly LinearBaseline[];
}

export async function probeCheckpoint(options: ProbeCheckpointOptions): Promise<CheckpointProbe> {
  const train = await openImageSource(options.train, "class-folders");
  const val = await openImageSource(options.val, "class-folders");
  const { checkpoint, network, heads, device, precision = "fp32", threads } = options;
  const opened = await openCheckpointEncoder({ checkpoint, network, heads, device, precision, threads });
  await using encoder = opened.encoder;
  for (const remark of opened.source.remarks) options.onRemark?.(remark);
  const place = opened.options;
  const settings = linearSettings(options.settings ?? {}, encoder.model);
  options.onStart?.({
    settings,
    classifiers: candidatesOf(settings).length,
    device: place.device,
    classes: train.classes.length,
    trainImages: train.count,
    valImages: val.count,
  });
  const probe: LinearRequest = {
    ...options,
    ...place,
    encoder,
    train,
    val,
    settings,
    workers: await viewWorkers(options.workers, place.device),
  };
  const result = await evaluateLinear(probe);
  const { baselines = false, onBaseline } = options;
  if (!baselines) return { ...result, baselines: [] };
  return { ...result, baselines: await linearBaselines({ probe, result, opened, onBaseline }) };
}
