/** What a linear probe reports. */
import type { Interval } from "./bootstrap.js";
import type { Accuracy } from "./scores.js";
import type { Candidate, LinearSettings } from "./settings.js";

/** One line of `epochs.jsonl`. */
export interface EpochRecord {
  /** Counted from 1. */
  readonly epoch: number;
  /** Mean loss of each candidate; null: not finite. */
  readonly losses: readonly (number | null)[];
  /** Of the reference's classifier, scaled by the batch. */
  readonly learningRate: number;
  readonly seconds: number;
  /** Null: not evaluated after this epoch. */
  readonly evaluation: Evaluation | null;
}

/** Accuracies of all candidates. */
export interface Evaluation {
  /** On the held-out part of train; null: there is none. */
  readonly select: readonly Accuracy[] | null;
  readonly val: readonly Accuracy[];
}

export interface CandidateResult extends Candidate {
  readonly loss: number | null;
  readonly select: Accuracy | null;
  readonly val: Accuracy;
}

export interface LinearResult {
  readonly protocol: "linear";
  readonly checkpoint: string;
  readonly network: string;
  readonly settings: LinearSettings;
  /** `random crops`: of each epoch anew, augmented as the settings say; `centre crops`: features computed once and kept. */
  readonly features: "random crops" | "centre crops";
  readonly classes: number;
  /** Images that took part. */
  readonly images: { readonly trained: number; readonly select: number; readonly val: number };
  /** After the last epoch, the reference's classifier first. */
  readonly candidates: readonly CandidateResult[];
  /** Index of the candidate that is best on the held-out part of train; that of the reference's where there is none. */
  readonly chosen: number;
  /** The chosen candidate on val, and the 95 % bootstrap interval of its top-1. */
  readonly top1: number;
  readonly top5: number;
  readonly interval: Interval;
  /** Files that could not be decoded and were left out. */
  readonly skipped: number;
  /** Of the training, in all its parts. */
  readonly seconds: number;
}
