/** The number of attention heads of a model whose file holds only tensors: they leave no trace in the shapes. */
import { ARCHITECTURES, architectureShape } from "../config/presets.js";
import type { WeightsFacts } from "../native/weights.js";
import type { CheckpointRecord } from "../run/checkpoint-record.js";

export interface Heads {
  readonly count: number;
  /** How it was come by, where it is a guess; null: the checkpoint says so. */
  readonly guess: string | null;
}

/** Width of a head in every published Vision Transformer of this kind. */
const HEAD_WIDTH = 64;

/** Heads of the sampling attention in every public UDI checkpoint. */
const PUBLIC_SAMPLING_HEADS = 6;

export function headsOf(facts: WeightsFacts, record: CheckpointRecord | null): Heads {
  const { width } = facts.shape;
  const known = numberOf(record?.config["model.heads"]) ?? facts.heads;
  if (known !== null) return { count: known, guess: null };
  const named = ARCHITECTURES.find((name) => name === facts.arguments?.arch);
  const published = named === undefined ? null : architectureShape(named);
  if (published?.width === width) return { count: published.heads, guess: null };
  const count = width % HEAD_WIDTH === 0 ? width / HEAD_WIDTH : divisor(width, published?.heads ?? 1);
  const guess = `model.heads: the file does not say it; taken as ${count} for a width of ${width}`;
  return { count, guess };
}

/** Heads of the sampling attention. */
export function samplingHeadsOf(facts: WeightsFacts, record: CheckpointRecord | null, heads: number): number {
  const known = numberOf(record?.config["model.srsHeads"]);
  return known ?? (facts.shape.width % PUBLIC_SAMPLING_HEADS === 0 ? PUBLIC_SAMPLING_HEADS : heads);
}

function divisor(width: number, wanted: number): number {
  return width % wanted === 0 ? wanted : 1;
}

function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}
