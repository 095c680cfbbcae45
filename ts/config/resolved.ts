/** What will run: numbers only, nothing left to decide. */
import type { ModelOptions, ObjectiveOptions, OptimizerOptions, Precision } from "../native/types.js";
import type { SourceKind } from "./data-kinds.js";
import type { Config } from "./schema.js";

/** What is known about machine and data when a run starts. */
export interface RunFacts {
  /** Number of training images. */
  readonly samples: number;
  /** What the training images were found in. */
  readonly dataKind: SourceKind;
  /** Whether they have labels. */
  readonly labelled: boolean;
  /** CPU cores that this process may use. */
  readonly cores: number;
  readonly cudaDevices: number;
  /** Whether the CUDA devices compute in bf16. */
  readonly cudaBf16: boolean;
  /** Whether the CPU computes in bf16. */
  readonly cpuBf16: boolean;
}

export type Device = "cpu" | "cuda" | `cuda:${number}`;

export interface ResolvedConfig
  extends Pick<
    Config,
    | "seed"
    | "output"
    | "init"
    | "training"
    | "schedule"
    | "checkpoint"
    | "logging"
    | "objective"
    | "optimizer"
  > {
  readonly device: Device;
  readonly precision: Precision;
  /** CPU threads of the engine's tensor operations. */
  readonly threads: number;
  readonly data: ResolvedData;
  readonly model: ResolvedModel;
  readonly objective: ObjectiveOptions;
  readonly optimizer: OptimizerOptions;
  readonly crops: ResolvedCrops;
  readonly evaluate: ResolvedEvaluate;
  /** For each key that was "auto", in dotted form: the value chosen and why. */
  readonly reasons: Readonly<Record<string, string>>;
}

export interface ResolvedData extends Omit<Config["data"], "kind" | "workers"> {
  readonly kind: SourceKind | "quickstart";
  readonly workers: number;
}

export interface ResolvedModel extends ModelOptions {
  readonly arch: Config["model"]["arch"];
}

/** Fits `MultiCropOptions` of ts/recipe/multi-crop.ts. */
export interface ResolvedCrops extends Readonly<Config["crops"]> {
  readonly patchSize: number;
  readonly includePatch: boolean;
}

export interface ResolvedEvaluate extends Omit<Config["evaluate"], "knn" | "watch" | "pictures"> {
  readonly knn: ResolvedKnn;
  readonly watch: ResolvedWatch;
  readonly pictures: ResolvedPictures;
}

export interface ResolvedWatch extends Omit<Config["evaluate"]["watch"], "images"> {
  readonly images: number;
}

export interface ResolvedPictures extends Omit<Config["evaluate"]["pictures"], "everyEpochs"> {
  /** Null: never; 0: of the untrained network and at the end only. */
  readonly everyEpochs: number | null;
}

export interface ResolvedKnn extends Omit<Config["evaluate"]["knn"], "resizeTo" | "cropSize"> {
  /** Length in pixels of the shorter side before the centre crop. */
  readonly resizeTo: number;
  readonly cropSize: number;
}
