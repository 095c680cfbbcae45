/** Means of checkpoints, and whether the values of a file are finite; on threads of their own. */
import { ArgumentError } from "../errors.js";
import { fileName } from "./argument-checks.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import type { WrittenWeights } from "./weights.js";

/** Student and teacher, each the mean of those of the files, as fp32 safetensors. Rejects with RunError where they differ. */
export async function averageWeights(files: readonly string[], out: string): Promise<WrittenWeights> {
  const [names, target] = [
    files.map((file, index) => fileName(`files[${index}]`, file)),
    fileName("out", out),
  ];
  if (names.length === 0) throw new ArgumentError("files: expected at least one, received none");
  return delegate(() => engineAddon().averageWeights(names, target));
}

/** A tensor that holds values that are infinite or no number, and how many. */
export interface NonFiniteTensor {
  readonly name: string;
  readonly count: number;
}

/** Those of a safetensors file. Reads all of it. */
export async function findNonFinite(file: string): Promise<readonly NonFiniteTensor[]> {
  const name = fileName("file", file);
  return delegate(() => engineAddon().findNonFinite(name));
}
