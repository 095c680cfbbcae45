/** Whether two parts of a run see the same images in the same order, wherever they lie. */
import { createHash } from "node:crypto";
import type { ImageSource } from "../dataset/image-source.js";
import { RunError } from "../errors.js";

export interface DatasetIdentity {
  /** Where they lie now; may change. */
  readonly path: string;
  readonly images: number;
  /** SHA-256 of the images' names below the data's root, in order, and of what else decides the order of an epoch. */
  readonly names: string;
}

export function datasetIdentity(
  source: Pick<ImageSource, "count" | "root" | "key" | "arrangement">,
): DatasetIdentity {
  const hash = createHash("sha256");
  for (let index = 0; index < source.count; index++) hash.update(`${source.key(index)}\n`);
  hash.update(source.arrangement);
  return { path: source.root, images: source.count, names: hash.digest("hex") };
}

/** Throws RunError if the images are others than those that the run was started with. */
export function requireSameDataset(before: DatasetIdentity, now: DatasetIdentity, folder: string): void {
  if (before.images === now.images && before.names === now.names) return;
  const found =
    before.images === now.images ? `${now.images} with other names or in another order` : `${now.images}`;
  throw new RunError(
    `data: expected the ${before.images} images that the run in ${folder} was started with, received ${found}`,
    {
      hint: "bring the same files back to go on with the run, with data.mix and data.shuffleBuffer as they were, or start one with another --out",
    },
  );
}
