/** The part of the train images on which the best classifier is chosen: the same share of every class. */
import { DataError } from "../../errors.js";
import { randomStream } from "../../random.js";

export interface TrainParts {
  /** Indices of the images that are trained on, in the order of the source. */
  readonly trained: Uint32Array;
  /** Of those held out. */
  readonly heldOut: Uint32Array;
}

/**
 * A function of (labels, share, seed). Every class keeps at least one image to train on. Classes too small for their share
 * take turns, so that the whole share is kept to. Throws DataError where that leaves nothing to hold out.
 */
export function splitTrain(labels: ArrayLike<number>, share: number, seed: number): TrainParts {
  const members = byClass(labels);
  const out = new Uint8Array(labels.length);
  let [seen, taken] = [0, 0];
  for (const [label, own] of members.entries()) {
    seen += own.length;
    const due = Math.round(share * seen) - taken;
    const count = Math.max(0, Math.min(due, own.length - 1));
    const order = randomStream(seed, "linear-held-out", label).permutation(own.length);
    for (const place of order.subarray(0, count)) out[own[place] as number] = 1;
    taken += count;
  }
  if (share > 0 && taken === 0) throw nothingToHoldOut(labels.length, members.length, share);
  return { trained: indices(out, 0), heldOut: indices(out, 1) };
}

function byClass(labels: ArrayLike<number>): number[][] {
  const members: number[][] = [];
  for (let index = 0; index < labels.length; index++) {
    const label = labels[index] as number;
    members[label] ??= [];
    members[label].push(index);
  }
  return Array.from(members, (own) => own ?? []);
}

function indices(marks: Uint8Array, wanted: number): Uint32Array {
  const found: number[] = [];
  for (const [index, mark] of marks.entries()) if (mark === wanted) found.push(index);
  return Uint32Array.from(found);
}

function nothingToHoldOut(images: number, classes: number, share: number): DataError {
  return new DataError(
    `select share ${share}: expected images to choose the best classifier on, received ${images} train images of ${classes} classes, of which each needs one to train on`,
    {
      hint: "add images, or give --select-share 0: all are trained on, and the reference's classifier is reported",
    },
  );
}
