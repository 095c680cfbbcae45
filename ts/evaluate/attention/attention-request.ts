/** What is asked for, and what was drawn. */
import type { Enlargement } from "../../picture/patch-map.js";
import type { CheckpointEncoderOptions } from "../open-encoder.js";
import type { SizeChoice } from "./prepared-image.js";

export interface AttentionRequest extends CheckpointEncoderOptions {
  /** Image files and folders, e.g. of a video's frames. */
  readonly images: readonly string[];
  /** Folder of the pictures; made where it is missing. */
  readonly out: string;
  /** Whether pictures of the same names are replaced. An image that is drawn itself is never. */
  readonly existing: "refuse" | "replace";
  readonly size: SizeChoice;
  /** Share of the attention that a mask holds, between 0 and 1; null: no masks. */
  readonly threshold: number | null;
  readonly enlargement: Enlargement;
  /** `colours`: principal components of the patch features, of all images together. */
  readonly patches: "none" | "colours";
  /** `sheet`: one picture for each image; `separate`: each map as a file too. */
  readonly files: "sheet" | "separate";
  /** Called after each image. */
  readonly onDrawn?: (drawn: DrawnImage, done: number, of: number) => void;
  /** Lines that a reader should know. */
  readonly onRemark?: (line: string) => void;
}

export interface DrawnImage {
  readonly image: string;
  /** Pixels that the network got. */
  readonly height: number;
  readonly width: number;
  /** Grid of patches. */
  readonly rows: number;
  readonly columns: number;
  /** Absolute path. */
  readonly sheet: string;
  /** Absolute paths of the pictures of single maps. */
  readonly separate: readonly string[];
}

export interface AttentionResult {
  readonly checkpoint: string;
  readonly network: string;
  readonly out: string;
  readonly images: readonly DrawnImage[];
  readonly skipped: readonly { readonly image: string; readonly reason: string }[];
  /** Share of the variance that each colour's component explains; null: not asked for. */
  readonly explained: readonly number[] | null;
}
