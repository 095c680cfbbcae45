/** Stops a run whose images cannot be decoded: a few are passed over, many are a fault of the data. */
import { DataError } from "../errors.js";

/** Samples asked for so far, and those of them that were skipped. */
export interface SampleTally {
  readonly seen: number;
  readonly skipped: number;
}

/** Below so many samples (or an epoch, where that is less) a share says nothing. */
const ENOUGH = 50;

export interface SkipLimit {
  /** Largest share of skipped samples, in [0, 1]. */
  readonly maxSkippedShare: number;
  readonly samplesPerEpoch: number;
  /** Where they are listed. */
  readonly list: string;
}

/** Whether no more of the samples were skipped than is allowed. */
export function fewAreSkipped({ seen, skipped }: SampleTally, limit: SkipLimit): boolean {
  return seen < Math.min(ENOUGH, limit.samplesPerEpoch) || skipped <= limit.maxSkippedShare * seen;
}

/** Throws DataError where more of the samples were skipped than is allowed. */
export function requireFewSkipped(samples: SampleTally, limit: SkipLimit): void {
  if (fewAreSkipped(samples, limit)) return;
  const { seen, skipped } = samples;
  const allowed = `${percent(limit.maxSkippedShare)} that cannot be decoded (data.maxSkippedShare)`;
  throw new DataError(
    `images: expected at most ${allowed}, received ${percent(skipped / seen)}: ${skipped} of ${seen}`,
    { hint: `see ${limit.list}; mend the files, or go on with --set data.maxSkippedShare=… --resume` },
  );
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`;
}
