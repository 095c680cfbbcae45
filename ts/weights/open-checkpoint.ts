/** Opens whatever holds weights: a run, a checkpoint, a state, a public training checkpoint, a backbone on its own. */
import { resolve } from "node:path";
import { RunError } from "../errors.js";
import { type NetworkName, openWeights, type WeightsFacts, type WeightsHead } from "../native/weights.js";
import type { CheckpointRecord } from "../run/checkpoint-record.js";
import { findCheckpoint } from "./checkpoint-place.js";
import { headsOf, samplingHeadsOf } from "./heads.js";

/**
 * `run`: a run's folder, of which the newest whole checkpoint is taken; `checkpoint`: the folder of one; `state`: a
 * `state.safetensors` on its own; `training`: a foreign training checkpoint; `backbone`: one network and no more.
 */
export type CheckpointKind = "run" | "checkpoint" | "state" | "training" | "backbone";

/** The model of a checkpoint, as far as it can be known. */
export interface CheckpointModel {
  readonly width: number;
  readonly depth: number;
  /** Attention heads of a block; where the file does not say it, a guess that stands in the remarks. */
  readonly heads: number;
  /** Whether `heads` is a guess. */
  readonly headsGuessed: boolean;
  readonly mlpRatio: number;
  readonly patchSize: number;
  /** Side in pixels of the images for which positions are stored. */
  readonly imageSize: number;
  readonly classTokens: 1 | 2;
  /** Whether the sampling attention of the patch level is there. */
  readonly includePatch: boolean;
  readonly srsHeads: number;
  /** Null: there is none. */
  readonly head: WeightsHead | null;
}

export interface CheckpointSource {
  /** What was named, absolute. */
  readonly path: string;
  readonly kind: CheckpointKind;
  /** The file that holds the weights: what the functions of ts/native/weights.ts take. */
  readonly file: string;
  /** What that file says of itself. */
  readonly facts: WeightsFacts;
  readonly model: CheckpointModel;
  /** What stands beside a state of ours. */
  readonly record: CheckpointRecord | null;
  readonly networks: readonly NetworkName[];
  /** What a reader should know, a line each. */
  readonly remarks: readonly string[];
}

export interface OpenCheckpointOptions {
  /** Attention heads, where they are known and the file does not say it. */
  readonly heads?: number | undefined;
}

/** Throws RunError where there is no checkpoint, where it is damaged, or where it holds no Vision Transformer of ours. */
export async function openCheckpoint(
  path: string,
  options: OpenCheckpointOptions = {},
): Promise<CheckpointSource> {
  const remarks: string[] = [];
  const place = await findCheckpoint(path, (line) => remarks.push(line));
  const facts = await openWeights(place.file);
  const { record, file } = place;
  const model = modelOf(facts, record, options.heads);
  const guess = options.heads === undefined ? headsOf(facts, record).guess : null;
  return {
    path: resolve(path),
    kind: place.kind === "file" ? kindOf(facts) : place.kind,
    file,
    facts,
    model,
    record,
    networks: facts.networks,
    remarks: [...remarks, ...facts.remarks, ...(guess === null ? [] : [guess])],
  };
}

/** The network to take: the one asked for, else the teacher, else the only one. Throws RunError where it is not there. */
export function chooseNetwork(source: CheckpointSource, wanted?: "student" | "teacher"): NetworkName {
  const { networks, path } = source;
  const only = networks.length === 1 ? networks[0] : undefined;
  const chosen = wanted ?? (networks.includes("teacher") ? "teacher" : only);
  if (chosen !== undefined && networks.includes(chosen)) return chosen;
  throw new RunError(
    `network: expected ${networks.join(" or ")}, all that ${path} holds, received ${chosen}`,
    {
      hint: `choose ${networks.join(" or ")}, or leave the choice out`,
    },
  );
}

function modelOf(facts: WeightsFacts, record: CheckpointRecord | null, given?: number): CheckpointModel {
  const { sampling, classTokens, ...shape } = facts.shape;
  const found = headsOf(facts, record);
  const heads = given ?? found.count;
  if (!Number.isInteger(heads) || heads < 1 || shape.width % heads !== 0) {
    throw new RunError(`heads: expected a divisor of the width ${shape.width}, received ${heads}`);
  }
  return {
    ...shape,
    heads,
    headsGuessed: given === undefined && found.guess !== null,
    classTokens: classTokens as 1 | 2, // nothing else is opened
    includePatch: sampling,
    srsHeads: samplingHeadsOf(facts, record, heads),
  };
}

function kindOf({ naming, networks }: WeightsFacts): CheckpointKind {
  if (networks.includes("backbone")) return "backbone";
  return naming === "udi-native" ? "state" : "training";
}
