/** The parts of a run on a pretended machine; its folder is real. */
import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { loadConfig } from "../../ts/config/load.js";
import { resolveConfig } from "../../ts/config/resolve.js";
import type { ResolvedConfig } from "../../ts/config/resolved.js";
import type { Native } from "../../ts/native/engine.js";
import type { SavedState } from "../../ts/native/types.js";
import type { DatasetIdentity } from "../../ts/run/dataset-identity.js";
import type { Environment } from "../../ts/run/environment.js";
import type { EvaluationRecord, StepRecord, WatchRecord } from "../../ts/run/records.js";
import type { Progress } from "../../ts/run/run.js";

export const dataset: DatasetIdentity = { path: "/data/photos", images: 200, names: "a".repeat(64) };

export const environment: Environment = {
  startedAt: "2026-01-01T00:00:00.000Z",
  fromStep: 0,
  command: ["node", "udi-native", "train"],
  versions: { "udi-native": "0.1.0", node: "20.19.0", libtorch: "2.11.0" },
  machine: { host: "here", system: "linux", cpu: "unknown", cores: 2, memoryBytes: 8e9 },
  device: { name: "cpu", precision: "fp32", threads: 2, gpu: null },
  libtorch: { version: "2.11.0", source: "cache", root: "/torch" },
  dataset,
  reasons: {},
};

export function exampleConfig(out: string, ...set: string[]): ResolvedConfig {
  const facts = {
    samples: dataset.images,
    dataKind: "class-folders" as const,
    labelled: true,
    cores: 2,
    cudaDevices: 0,
    cudaBf16: false,
    cpuBf16: false,
  };
  return resolveConfig(loadConfig({ out, set: ["training.epochs=12", ...set] }), facts);
}

/** Saves a state that says which step it is of. */
export function engineAt(step: number): Pick<Native, "save"> {
  return { save: (file) => saveText(file, `state after step ${step}`) };
}

/** As the engine saves a state of this text. */
export async function saveText(file: string, text: string): Promise<SavedState> {
  await writeFile(file, text, { flush: true });
  const sha256 = createHash("sha256").update(text).digest("hex");
  return { sha256, bytes: text.length, copySeconds: 0 };
}

/** After `step` steps of epochs of three. */
export function progressAt(step: number): Progress {
  return {
    step,
    position: { epoch: Math.floor(step / 3), index: step % 3 },
    samples: { seen: 64 * step, skipped: 0 },
  };
}

export function stepAt(step: number): StepRecord {
  return {
    step,
    epoch: Math.floor((step - 1) / 3) + 1,
    loss: 6.9 / step,
    levels: { cls: 6.9 / step },
    terms: { globalCls: 6.9 / step },
    gradientNorm: 1 / 3,
    learningRate: 1e-4 * step,
    weightDecay: 0.04,
    momentum: 0.996,
    teacherTemperature: 0.04,
    lossScale: 1,
    overflowed: false,
    seconds: 0.1,
    dataWaitSeconds: 0.01,
    dataSeconds: { read: 0.01, decode: 0.1, recipe: 0.01, render: 0.1 },
    imagesPerSecond: 100,
  };
}

export function evaluationAt(step: number): EvaluationRecord {
  return { step, protocol: "knn", network: "teacher", scores: [{ neighbours: 10, top1: 0.5, top5: 0.9 }] };
}

export function watchAt(step: number): WatchRecord {
  return {
    step,
    epoch: Math.floor(step / 3),
    images: 200,
    effectiveRank: 12 + step / 2,
    largestRank: 96,
    spread: 0.5,
    entropyOfMean: 4,
    meanEntropy: 2,
    largestEntropy: Math.log(512),
    prototypesUsed: 0.25,
    agreement: 0.5,
    chanceAgreement: 0.25,
    centerNorms: { cls: step, clsPlus: step, patch: step },
    divergence: 2,
    teacherTemperature: 0.04,
    gradientNorm: step === 0 ? null : 1 / 3,
    seconds: 1,
    signs: [],
  };
}
