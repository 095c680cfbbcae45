/** What a caller of `train` may ask for, and what it is told. */
import type { ResolvedConfig } from "../config/resolved.js";
import type { IndexProgress } from "../dataset/image-source.js";
import type { EvaluationRecord, StepRecord, WatchRecord } from "../run/records.js";
import type { SampleTally } from "./skip-limit.js";

export interface TrainOptions {
  /** "start" (default): a run in a folder that holds none. "resume": go on with the run in the folder. */
  readonly mode?: "start" | "resume";
  /**
   * Once aborted, the steps underway are finished, two at most (of an evaluation only a batch), a checkpoint written, and
   * `train` resolves as "interrupted".
   */
  readonly signal?: AbortSignal;
  /** Called while the names of images are read for the first time; long before the start where there are many. */
  readonly onIndexing?: (progress: IndexProgress) => void;
  /** All is decided and open; the first step comes next. */
  readonly onStart?: (start: TrainStart) => void;
  /** After each step, whose line is in the logs; the next one may be underway. */
  readonly onStep?: (record: StepRecord, samples: SampleTally) => void;
  readonly onEvaluation?: (record: EvaluationRecord) => void;
  /** After each look for signs of a collapse; a new sign is told by `onRemark` too. */
  readonly onWatch?: (record: WatchRecord) => void;
  /** Something that a reader should know, in one line: a damaged checkpoint was passed over, the disk is full. */
  readonly onRemark?: (line: string) => void;
}

export interface TrainStart {
  /** Absolute path of the run. */
  readonly folder: string;
  readonly config: ResolvedConfig;
  /** Number of training images. */
  readonly images: number;
  readonly stepsPerEpoch: number;
  /** Steps made before. */
  readonly step: number;
  /** Number of the run's last step. An imported run counts on from steps that were made elsewhere. */
  readonly lastStep: number;
}

export interface TrainResult {
  readonly outcome: "finished" | "interrupted";
  /** Absolute path of the run. */
  readonly folder: string;
  /** Steps made in all. */
  readonly step: number;
  /** The last step made here; null: none was left to make. */
  readonly last: StepRecord | null;
  /** Folder of the newest checkpoint, that of the last step made. */
  readonly checkpoint: string;
  /** All evaluations of the run, oldest first. */
  readonly evaluations: readonly EvaluationRecord[];
  /** All looks of the collapse watch, oldest first. */
  readonly watch: readonly WatchRecord[];
}
