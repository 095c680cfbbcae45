/** The engine for programs: what is left out is as in configs/defaults.yaml, and "auto" is settled here. */
import { chooseDevice, choosePrecision, chooseThreads } from "../config/choices.js";
import { fileLayers } from "../config/file-layers.js";
import { mergeLayers, type Tree } from "../config/layer.js";
import { modelShape } from "../config/model-shape.js";
import type { Architecture } from "../config/presets.js";
import type { Config } from "../config/schema.js";
import { type Reasons, settle } from "../config/settle.js";
import { validated } from "../config/validate.js";
import { type Machine, machine, type Native, openEngine } from "./engine.js";
import { machineFacts } from "./machine-facts.js";
import type { NativeOptions } from "./types.js";

/** Keys of the `model` section of a configuration, and the side of the image in pixels. */
export interface ModelChoice extends Partial<Omit<Config["model"], "head">> {
  readonly head?: Partial<Config["model"]["head"]>;
  /** Side of the image for which position embeddings are stored. Default: crops.globalSize of configs/defaults.yaml. */
  readonly imageSize?: number;
}

export interface OpenNativeOptions {
  /** Name of an architecture, or keys that differ from the defaults. */
  readonly model: Architecture | ModelChoice;
  readonly objective?: Partial<Config["objective"]>;
  readonly optimizer?: Partial<Config["optimizer"]>;
  /** "auto": the first CUDA device, else the CPU. */
  readonly device?: Config["device"];
  readonly precision?: Config["precision"];
  readonly seed?: number;
  /** CPU threads of tensor operations. */
  readonly threads?: Config["threads"];
}

/**
 * Opens an engine: a student and a teacher that `stepUdi` trains. `await using` closes it. Throws ConfigError for an
 * unknown key or a wrong value, InstallError where libtorch or the addon is missing.
 */
export async function openNative(options: OpenNativeOptions): Promise<Native> {
  return openEngine(settleOptions(options, await machine()));
}

/** The numbers that an engine is opened with on a machine. */
export function settleOptions(options: OpenNativeOptions, machine: Machine): NativeOptions {
  const { model, ...rest } = options;
  const { imageSize, ...keys } = typeof model === "string" ? ({ arch: model } as ModelChoice) : model;
  const config = completed({
    ...rest,
    model: keys,
    crops: imageSize === undefined ? {} : { globalSize: imageSize },
  });
  const facts = machineFacts(machine);
  const unread: Reasons = {};
  const device = settle(unread, "device", config.device, () => chooseDevice(facts));
  return {
    model: modelOptions(config),
    objective: config.objective,
    optimizer: config.optimizer,
    device,
    precision: settle(unread, "precision", config.precision, () => choosePrecision(device, facts)),
    seed: config.seed,
    threads: settle(unread, "threads", config.threads, () => chooseThreads(device, facts.cores)),
  };
}

function modelOptions({ model, crops }: Config): NativeOptions["model"] {
  const { arch: _, ...rest } = model;
  return { ...rest, ...modelShape(model), imageSize: crops.globalSize };
}

/** Keys that are undefined count as left out. */
function completed(values: Tree): Config {
  const given = JSON.parse(JSON.stringify(values)) as Tree;
  return validated(mergeLayers([...fileLayers("defaults", "/"), { values: given, places: new Map() }]));
}
