/** What each "auto" about machine, data and evaluation becomes, and why. */
import type { Precision } from "../native/types.js";
import type { SourceKind } from "./data-kinds.js";
import type { Device, RunFacts } from "./resolved.js";
import type { Config } from "./schema.js";

/** A value and the reason for it. */
export type Choice<T> = readonly [value: T, reason: string];

export function chooseDevice({ cudaDevices }: Pick<RunFacts, "cudaDevices">): Choice<Device> {
  if (cudaDevices === 0) return ["cpu", "no CUDA device was found"];
  return ["cuda", cudaDevices === 1 ? "a CUDA device was found" : `the first of ${cudaDevices} CUDA devices`];
}

export function choosePrecision(
  device: Device,
  { cudaBf16, cpuBf16 }: Pick<RunFacts, "cudaBf16" | "cpuBf16">,
): Choice<Precision> {
  if (device !== "cpu") {
    return cudaBf16 ? ["bf16", "the CUDA device computes in it"] : ["fp16", "the CUDA device has no bf16"];
  }
  return ["fp32", cpuBf16 ? "on a CPU, although this one computes bf16 faster" : "on a CPU without bf16"];
}

/** On a CPU the step takes most of the time by far; on a GPU the engine's own thread does little. */
export function chooseThreads(device: Device, cores: number): Choice<number> {
  if (device === "cpu") return [cores, "all cores of this machine"];
  return [Math.max(1, Math.floor(cores / 4)), `a quarter of ${cores} cores; the step runs on the GPU`];
}

/** Enough to keep up, without taking the cores from a step on the CPU. */
export function chooseWorkers(device: Device, cores: number): Choice<number> {
  if (device === "cpu") {
    return [Math.max(1, Math.floor(cores / 4)), `a quarter of ${cores} cores; the step needs the rest`];
  }
  return [Math.max(1, cores - 1), `all but one of ${cores} cores; the step runs on the GPU`];
}

/** So few that looking at them costs little beside an epoch, as long as they say something. */
export function chooseWatchImages({ samples }: Pick<RunFacts, "samples">): Choice<number> {
  const tenth = Math.floor(samples / 10);
  if (tenth > 512) return [512, "enough of any data"];
  if (tenth >= 64) return [tenth, `a tenth of ${samples} images`];
  return samples < 64 ? [samples, "all there are"] : [64, "fewer say little"];
}

/** A development in about ten pictures, beside the first one. */
export function choosePictureEpochs(epochs: number): Choice<number> {
  return [Math.ceil(epochs / 10), `a tenth of ${epochs} epochs`];
}

export function chooseDataKind(
  { path, mix }: Pick<Config["data"], "path" | "mix">,
  { dataKind }: Pick<RunFacts, "dataKind">,
): Choice<SourceKind | "quickstart"> {
  if (path === null && mix === null) return ["quickstart", "no data.path"];
  return [dataKind, KIND_REASONS[dataKind]];
}

const KIND_REASONS: Readonly<Record<SourceKind, string>> = {
  "class-folders": "data.path holds folders with images",
  "flat-folder": "data.path holds images without class folders",
  list: "data.path is a file of names",
  shards: "data.path names tar files",
  mixture: "data.mix is set",
};

/** The published protocol resizes to 256 and crops 224. */
export function chooseResizeTo(cropSize: number): Choice<number> {
  return [Math.round((cropSize * 256) / 224), `256/224 of evaluate.knn.cropSize ${cropSize}`];
}

export function chooseCropSize(globalSize: number): Choice<number> {
  return [globalSize, "as crops.globalSize"];
}
