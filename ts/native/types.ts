/** Everything that crosses the seam to the native engine, with shapes. Numbers only: "auto" is resolved before. */

export type Precision = "fp32" | "bf16" | "fp16";

/** A Vision Transformer with its sampling module and projection head (spec/method.md sections 1, 3, 4). */
export interface ModelOptions {
  /** Embedding dimension C; divisible by `heads`. */
  readonly width: number;
  /** Number of transformer blocks. */
  readonly depth: number;
  /** Attention heads of a block. */
  readonly heads: number;
  /** Hidden width of a block's MLP divided by C. */
  readonly mlpRatio: number;
  /** Side of a patch in pixels; divides the sides of both crops. */
  readonly patchSize: number;
  /** Side of the image, in pixels, for which position embeddings are stored: the global crop. */
  readonly imageSize: number;
  /** Class tokens in front: 2 (`cls`, `cls+`) or 1. */
  readonly classTokens: 1 | 2;
  /** Whether the patch level and its sampling module exist. */
  readonly includePatch: boolean;
  /** Heads of the sampling attention; divides C. */
  readonly srsHeads: number;
  /** Stochastic depth rate of the last block; rises linearly from 0 at the first. */
  readonly dropPathRate: number;
  /** Keep only the input of each block of the student and compute the rest again in the backward pass. */
  readonly checkpointBlocks: boolean;
  readonly head: HeadOptions;
}

export interface HeadOptions {
  /** Number of prototypes D (`out_dim`). */
  readonly prototypes: number;
  readonly hiddenWidth: number;
  readonly bottleneckWidth: number;
  /** BatchNorm1d after the hidden layers. */
  readonly batchNorm: boolean;
  /** Keep the prototypes' norms frozen at 1. */
  readonly normLastLayer: boolean;
}

/** Targets and loss (spec/method.md section 5). */
export interface ObjectiveOptions {
  /** Weight of the pooled patch logits in the `cls+` target, in [0, 1]. */
  readonly alpha: number;
  readonly studentTemperature: number;
  /** Share of the old centre kept at each update. */
  readonly centerMomentum: number;
}

export interface OptimizerOptions {
  readonly name: "adamw" | "sgd" | "lars";
  /** Largest L2 norm of each parameter tensor's gradient; 0: no clipping. */
  readonly clipGradient: number;
  /** Equal parts in which the images of a step go through the networks, one after the other; 1: all at once. */
  readonly accumulate: number;
  /** What an fp16 loss is multiplied by in the first step; it adapts from there. */
  readonly lossScale: number;
}

export interface NativeOptions {
  readonly model: ModelOptions;
  readonly objective: ObjectiveOptions;
  readonly optimizer: OptimizerOptions;
  /** "cpu", "cuda" or "cuda:1". "cuda" fails where there is none. */
  readonly device: string;
  readonly precision: Precision;
  /** Seeds initialisation and stochastic depth; a non-negative integer below 2^53. */
  readonly seed: number;
  /** CPU threads of the engine's tensor operations; 0: libtorch's own choice. */
  readonly threads: number;
}

/** What became of a parameter that was to start from given weights. */
export interface AdoptedParameter {
  /** Name in the public checkpoints, without the network's prefix. */
  readonly name: string;
  /** `first tokens`: of class tokens and their positions, where there are more or fewer than given; `fresh`: as drawn. */
  readonly fate: "loaded" | "resampled" | "first tokens" | "fresh";
}

/** Values of the schedules at one step. */
export interface ScheduleValues {
  readonly learningRate: number;
  readonly weightDecay: number;
  /** Share of the teacher kept by the moving average, in [0, 1]. */
  readonly momentum: number;
  readonly teacherTemperature: number;
  /** Leave the prototypes without update in this step. */
  readonly freezeLastLayer: boolean;
}

/** Target samples of pairs: bilinear neighbours on the target crop's token grid. Unused rows have weight 0. */
export interface TargetSamples {
  /** `[pairs, B, s, 4]`, each in [0, N). */
  readonly tokens: Int32Array;
  /** `[pairs, B, s, 4]` */
  readonly weights: Float32Array;
}

/** Sparse sampling maps of a batch (spec/method.md section 3). */
export interface SamplingMaps {
  /** `[2, B, s_g]`: pairs (g1 -> g2), (g2 -> g1); token in the student's crop, -1: no sample. */
  readonly globalSource: Int32Array;
  /** `[2, B, s_g, 4]`: pairs (g1 -> g2), (g2 -> g1). */
  readonly globalTarget: TargetSamples;
  /** `[2 L, B, s_l, 4]`: for each local crop l the pairs (l -> g2), (l -> g1). */
  readonly localTarget: TargetSamples;
}

/** One batch of views. `Uint8Array`: RGB 0-255, normalised on the device; `Float32Array`: already normalised. */
export interface MultiCropBatch {
  /** Number of images B. */
  readonly images: number;
  /** Side G of the global views in pixels. */
  readonly globalSize: number;
  /** Number of local crops L; may be 0. */
  readonly localCrops: number;
  /** Side S of the local views in pixels. */
  readonly localSize: number;
  /** `[2, B, 3, G, G]`: g1 of every image, then g2. */
  readonly globalViews: Uint8Array | Float32Array;
  /** `[L, B, 3, S, S]` */
  readonly localViews: Uint8Array | Float32Array;
  /** Needed where the model has a patch level. */
  readonly maps: SamplingMaps | null;
}

/** What one step measured. */
export interface StepReport {
  /** Number of the step just made, counted from 1. */
  readonly step: number;
  /** Mean of the levels' losses. */
  readonly loss: number;
  /** Loss of each level present: `cls`, `clsPlus`, `patch`. */
  readonly levels: Readonly<Record<string, number>>;
  /** Cross-entropy terms: `globalCls`, `globalClsPlus`, `globalPatch`, `localCls`, `localClsPlus`, those present. */
  readonly terms: Readonly<Record<string, number>>;
  /** L2 norm of all gradients together, before clipping. */
  readonly gradientNorm: number;
  /** fp16 only: the gradients overflowed, so this step left the weights as they were. */
  readonly skipped: boolean;
  /** Loss scale used; 1 except for fp16. */
  readonly lossScale: number;
  /** Wall time of the step on the engine thread; of one begun behind another, since that one ended. */
  readonly seconds: number;
  /** Seconds by phase of the step; empty unless `profile` asked for them. */
  readonly phases: Readonly<Record<string, number>>;
}

/** What the networks in training tell apart of some images, at the class level. Entropies in nats. */
export interface InspectionReport {
  /** Number of images: a row of features each. */
  readonly images: number;
  /**
   * Effective rank of the teacher's class-token features before the head, from 1 to `largestRank`: exp of the entropy of the
   * singular values' shares (RankMe, Garrido et al. 2023).
   */
  readonly effectiveRank: number;
  /** The smaller of the number of images and the width. */
  readonly largestRank: number;
  /**
   * Mean over dimensions of the standard deviation of the teacher's features at norm 1, times the root of the width: 1 where
   * they point in all directions alike, 0 where all are the same (Chen & He, SimSiam 2021).
   */
  readonly spread: number;
  /** Entropy of the teacher's mean distribution over prototypes, as targets are made: centred and sharpened. */
  readonly entropyOfMean: number;
  /** Mean entropy of its single distributions, at most `entropyOfMean`. */
  readonly meanEntropy: number;
  /** ln D of D prototypes: that of a uniform distribution. */
  readonly largestEntropy: number;
  /** Prototypes that are the teacher's most probable one of some image, as a share of those that could be: min(images, D). */
  readonly prototypesUsed: number;
  /** Share of images whose most probable prototype is the same for the student on one view and the teacher on another. */
  readonly agreement: number;
  /** That share for two who choose as often, but independently of each other. */
  readonly chanceAgreement: number;
  /** L2 norm of the centre of each level present: `cls`, `clsPlus`, `patch`. */
  readonly centerNorms: Readonly<Record<string, number>>;
}

/** A decoded image: interleaved RGB, 8 bits. */
export interface DecodedImage {
  /** `[height, width, 3]` */
  readonly pixels: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** Shape of a batch of views. */
export interface BatchShape {
  readonly images: number;
  readonly globalSize: number;
  readonly localCrops: number;
  readonly localSize: number;
}

/** One setting of the weighted nearest-neighbour vote. */
export interface NeighbourScore {
  readonly neighbours: number;
  /** Share of test images, in [0, 1]. */
  readonly top1: number;
  readonly top5: number;
}

/** Labelled features for the weighted nearest-neighbour vote (spec/evaluation.md section 1). */
export interface NeighbourVote {
  /** `[trainLabels.length, width]`, each row of L2 norm 1. */
  readonly train: Float32Array;
  /** Class of each train row, each in [0, classes). */
  readonly trainLabels: Int32Array;
  /** `[testLabels.length, width]`, each row of L2 norm 1; both null: each train row is judged by the others. */
  readonly test: Float32Array | null;
  readonly testLabels: Int32Array | null;
  readonly width: number;
  readonly classes: number;
  /** Numbers of neighbours k to report; larger than the train set: clamped. */
  readonly neighbours: readonly number[];
  readonly temperature: number;
  /** Where it is computed; default "cpu". */
  readonly device?: string;
}

/** Vectors whose principal components are wanted. */
export interface ComponentsRequest {
  /** `[count, width]`, finite; at least one vector. */
  readonly vectors: Float32Array;
  readonly width: number;
  /** Directions wanted, from 1 to `width`. */
  readonly components: number;
}

/** The directions in which vectors differ most, that of the largest variance first. */
export interface PrincipalComponents {
  /** `[width]` */
  readonly mean: Float64Array;
  /** `[components, width]`: unit vectors; the largest of a vector's entries, by magnitude, is positive. */
  readonly directions: Float64Array;
  /** Share of the variance along each; 0 where all vectors are alike. */
  readonly explained: readonly number[];
  /** `[components, count]`: how far each vector lies from the mean along each direction. */
  readonly scores: Float32Array;
}

/** A state that was written. */
export interface SavedState {
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
  /** Its length. */
  readonly bytes: number;
  /** How long the engine was held up to copy it. */
  readonly copySeconds: number;
}
