/** The frozen backbone of a checkpoint, wherever it comes from, on the device that the machine has. */
import { chooseDevice, choosePrecision, chooseThreads } from "../config/choices.js";
import type { Config } from "../config/schema.js";
import { ArgumentError } from "../errors.js";
import { type Encoder, type EncoderOptions, openEncoder } from "../native/encoder.js";
import { machine } from "../native/engine.js";
import { machineFacts } from "../native/machine-facts.js";
import type { NetworkName } from "../native/weights.js";
import { type CheckpointSource, chooseNetwork, openCheckpoint } from "../weights/open-checkpoint.js";

export interface CheckpointEncoderOptions {
  /** Whatever `openCheckpoint` takes. */
  readonly checkpoint: string;
  /** Default: the teacher, or the only network of the file. */
  readonly network?: "teacher" | "student" | undefined;
  /** Attention heads, where the file does not say it. */
  readonly heads?: number | undefined;
  /** Default "auto": the first CUDA device, else the CPU. */
  readonly device?: string | undefined;
  /** Default "auto": what the device computes fast. */
  readonly precision?: Config["precision"] | undefined;
  readonly threads?: Config["threads"] | undefined;
}

export interface CheckpointEncoder {
  readonly encoder: Encoder;
  readonly source: CheckpointSource;
  readonly network: NetworkName;
  /** What it was opened with. */
  readonly options: EncoderOptions;
  /** What a reader should know of how the checkpoint was taken, a line each. */
  readonly remarks: readonly string[];
}

/** In every published model of this kind: a number of heads that is guessed by it is right for those. */
const PUBLISHED_HEAD_WIDTH = 64;

/** Throws RunError where the checkpoint cannot be used, ArgumentError where an option does not fit it. */
export async function openCheckpointEncoder(request: CheckpointEncoderOptions): Promise<CheckpointEncoder> {
  const source = await openCheckpoint(request.checkpoint, { heads: request.heads });
  const { model, path, file } = source;
  if (model.headsGuessed && model.width % PUBLISHED_HEAD_WIDTH !== 0) {
    const expected = "expected the number of attention heads, without which features are wrong";
    throw new ArgumentError(`heads: ${expected}, and ${path} does not say it`, { hint: "--heads N" });
  }
  const network = chooseNetwork(source, request.network);
  const options = { file, network, heads: model.heads, ...(await settled(request)) };
  return { encoder: await openEncoder(options), source, network, options, remarks: source.remarks };
}

async function settled(
  request: CheckpointEncoderOptions,
): Promise<Pick<EncoderOptions, "device" | "precision" | "threads">> {
  const facts = machineFacts(await machine());
  const { device = "auto", precision = "auto", threads = "auto" } = request;
  const on = device === "auto" ? chooseDevice(facts)[0] : device;
  const kind = on === "cpu" ? "cpu" : "cuda";
  return {
    device: on,
    precision: precision === "auto" ? choosePrecision(kind, facts)[0] : precision,
    threads: threads === "auto" ? chooseThreads(kind, facts.cores)[0] : threads,
  };
}
