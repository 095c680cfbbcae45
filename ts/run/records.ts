/** What a run writes about itself, line by line. */
import type { InspectionReport, NeighbourScore } from "../native/types.js";

/** One line of `metrics.jsonl`. JSON has no infinity: it stands as null (gradients that overflowed in fp16). */
export interface StepRecord {
  /** Number of the step, counted from 1. */
  readonly step: number;
  /** Epoch that the step belongs to, counted from 1. */
  readonly epoch: number;
  /** Mean of the levels' losses. */
  readonly loss: number;
  readonly levels: Readonly<Record<string, number>>;
  readonly terms: Readonly<Record<string, number>>;
  /** L2 norm of all gradients before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly momentum: number;
  readonly teacherTemperature: number;
  /** 1 except for fp16. */
  readonly lossScale: number;
  /** fp16 only: the gradients overflowed and the weights stayed as they were. */
  readonly overflowed: boolean;
  /** Wall time of the step; of one begun while the device worked on another, since that one ended. */
  readonly seconds: number;
  /** Time that the engine had nothing to do because this batch was not there. */
  readonly dataWaitSeconds: number;
  /** Time that making this batch took by part, summed over its images; several of them were in work at once. */
  readonly dataSeconds: Readonly<Record<"read" | "decode" | "recipe" | "render", number>>;
  /** Images of the batch over step and wait together. */
  readonly imagesPerSecond: number;
}

/** One line of `skipped.jsonl`: an image that could not be decoded and was replaced by another one. */
export interface SkippedRecord {
  /** Step and epoch whose batch it was meant for, both counted from 1. */
  readonly step: number;
  readonly epoch: number;
  readonly file: string;
  readonly reason: string;
}

/** One line of `evaluations.jsonl`: k-NN accuracy on held-out images. */
export interface EvaluationRecord {
  /** Steps made before it; 0: the untrained network. */
  readonly step: number;
  readonly protocol: "knn";
  readonly network: "teacher";
  readonly scores: readonly NeighbourScore[];
}

/** One line of `watch.jsonl`: what the networks told apart of a fixed sample of training images, in two views each. */
export interface WatchRecord extends InspectionReport {
  /** Steps made before it; 0: the network that the run began with. */
  readonly step: number;
  /** Epochs done. */
  readonly epoch: number;
  /** Mean divergence (KL) in nats of the teacher's distributions from their mean: 0 in both kinds of collapse. */
  readonly divergence: number;
  /** What the teacher's distributions were made at: that of the last step. */
  readonly teacherTemperature: number;
  /** Of the last step; null before the first, and where it overflowed (fp16). */
  readonly gradientNorm: number | null;
  /** Signs of a collapse by their names, of `ts/train/collapse-signs.ts`. */
  readonly signs: readonly string[];
  /** Wall time of the look. */
  readonly seconds: number;
}
