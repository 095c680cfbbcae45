/** Files of features, a row for each image, written batch by batch. */
import { extname } from "node:path";
import { ArgumentError } from "../../errors.js";
import type { Feature } from "../../native/encoder.js";
import { npyFile } from "./npy-file.js";
import { parquetFile } from "./parquet-file.js";
import { safetensorsFile } from "./safetensors-file.js";

/** Rows of some images. */
export interface Rows {
  readonly paths: readonly string[];
  /** Names of the classes; null: none. */
  readonly labels: readonly (string | null)[];
  /** Indices of the same among the classes; -1: none. */
  readonly classes: readonly number[];
  /** `[paths.length, width]` for each column. */
  readonly features: readonly Float32Array[];
}

export interface Column {
  readonly feature: Feature;
  readonly width: number;
}

/** A file that is being written under a temporary name. */
export interface RowFile {
  /** What there will be, the features first. */
  readonly files: readonly string[];
  add(rows: Rows): Promise<void>;
  /** Makes it whole under its name. */
  finish(): Promise<void>;
  /** Removes what was written of it. */
  discard(): Promise<void>;
}

export interface RowFileRequest {
  readonly out: string;
  readonly columns: readonly Column[];
  /** Names of the classes. */
  readonly classes: readonly string[];
}

const KINDS: Readonly<Record<string, (request: RowFileRequest) => Promise<RowFile>>> = {
  ".parquet": parquetFile,
  ".safetensors": safetensorsFile,
  ".npy": npyFile,
};

/** Throws ArgumentError for an ending that is none of these, or more features than the kind of file holds. */
export function checkRowFile({ out, columns }: Pick<RowFileRequest, "out" | "columns">): void {
  const ending = extname(out).toLowerCase();
  if (KINDS[ending] === undefined) {
    throw new ArgumentError(
      `out: expected a file that ends in ${Object.keys(KINDS).join(", ")}, received ${out}`,
    );
  }
  if (ending !== ".npy" || columns.length === 1) return;
  throw new ArgumentError(`feature: expected one, all that a .npy file holds, received ${columns.length}`, {
    hint: "write .parquet or .safetensors, or one file for each feature",
  });
}

export async function openRowFile(request: RowFileRequest): Promise<RowFile> {
  checkRowFile(request);
  const open = KINDS[extname(request.out).toLowerCase()] as (typeof KINDS)[string];
  return open(request);
}
