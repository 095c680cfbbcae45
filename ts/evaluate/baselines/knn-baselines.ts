/** The k-NN vote on features for which nothing was learned, each held against the checkpoint's. */
import { totalmem } from "node:os";
import { type Feature, openEncoder } from "../../native/encoder.js";
import { encoderEmbedder } from "../embedder.js";
import type { CheckpointScore, KnnSubject, MeasuredFeature } from "../evaluate-knn.js";
import type { CheckpointEncoder } from "../open-encoder.js";
import type { ViewSize } from "../view-size.js";
import { BASELINE_MEANINGS, type BaselineName } from "./baseline.js";
import { pixelEmbedder, pixelView, pixelWidth } from "./pixels.js";
import { untrainedWeights } from "./untrained-weights.js";

export interface KnnBaseline {
  readonly name: BaselineName;
  /** What it is, in words. */
  readonly meaning: string;
  /** Sides in pixels of its view of the images. */
  readonly size: ViewSize;
  /** One for each feature of the checkpoint; of raw pixels just one. */
  readonly features: readonly ComparedFeature[];
}

export interface ComparedFeature {
  readonly feature: Feature | "pixels";
  /** The checkpoint's feature that it is held against; of raw pixels the first that was asked for. */
  readonly against: Feature;
  /** One for each k. */
  readonly scores: readonly ComparedScore[];
}

export interface ComparedScore extends CheckpointScore {
  /** Top-1 of the checkpoint less that of the baseline. */
  readonly difference: number;
}

export interface KnnBaselinesRequest {
  readonly opened: CheckpointEncoder;
  readonly size: ViewSize;
  /** Of the checkpoint. */
  readonly measured: readonly MeasuredFeature[];
  readonly images: number;
  /** The checkpoint's vote on other features; `pass` counts from 1. */
  readonly measure: (subject: KnnSubject, pass: number) => Promise<readonly MeasuredFeature[]>;
}

/** Baselines, and what a reader should know of them. */
export interface KnnBaselines {
  readonly baselines: readonly KnnBaseline[];
  readonly remarks: readonly string[];
}

/** Passes over the images that it takes. */
export const BASELINE_PASSES = 2;

export async function knnBaselines(request: KnnBaselinesRequest): Promise<KnnBaselines> {
  const untrained = await untrainedBaseline(request);
  const tooMuch = pixelTable(request);
  if (tooMuch !== null) return { baselines: [untrained], remarks: [tooMuch] };
  return { baselines: [untrained, await pixelBaseline(request)], remarks: [] };
}

async function untrainedBaseline(request: KnnBaselinesRequest): Promise<KnnBaseline> {
  const { opened, size, measured, measure } = request;
  await using weights = await untrainedWeights(opened.source.model, null);
  const options = { ...opened.options, file: weights.file, network: "teacher" } as const;
  await using encoder = await openEncoder(options);
  const names = measured.map(({ feature }) => feature);
  const embedder = encoderEmbedder(encoder, names, size.crop);
  const features = await measure({ embedder, size, computedBy: options }, 1);
  const compared = features.map((of, at) => comparedFeature(of.feature, of, measured[at]));
  return { name: "untrained", meaning: BASELINE_MEANINGS.untrained, size, features: compared };
}

async function pixelBaseline({ size, measured, measure }: KnnBaselinesRequest): Promise<KnnBaseline> {
  const view = pixelView(size);
  const subject = { embedder: pixelEmbedder(view), size: view, computedBy: "pixels" } as const;
  const features = await measure(subject, 2);
  const compared = features.map((of) => comparedFeature("pixels", of, measured[0]));
  return { name: "pixels", meaning: BASELINE_MEANINGS.pixels, size: view, features: compared };
}

function comparedFeature(
  feature: ComparedFeature["feature"],
  { scores }: MeasuredFeature,
  checkpoint: MeasuredFeature | undefined,
): ComparedFeature {
  const against = checkpoint as MeasuredFeature;
  const compared = scores.map((score, at) => ({
    ...score,
    difference: (against.scores[at]?.top1 ?? Number.NaN) - score.top1,
  }));
  return { feature, against: against.feature, scores: compared };
}

/** Half of the memory: the network's features have gone by then, but not the libraries. Null: the pixels fit. */
function pixelTable({ size, images }: Pick<KnnBaselinesRequest, "size" | "images">): string | null {
  const bytes = images * pixelWidth(pixelView(size)) * 4;
  if (bytes <= totalmem() / 2) return null;
  const [needed, there] = [bytes, totalmem()].map((value) => `${(value / 1e9).toFixed(1)} GB`);
  return `raw pixels are left out: those of ${images} images take ${needed}, of the ${there} that this machine has`;
}
