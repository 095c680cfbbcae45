/** A long row of images that is made of parts: folders, shards, sources. */

/** The part in which image `index` lies, where part p ends before `ends[p]`. Throws RangeError where there is no such image. */
export function partOf(ends: Uint32Array, index: number): number {
  let [low, high] = [0, ends.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ends[middle] as number) > index) high = middle;
    else low = middle + 1;
  }
  if (low < ends.length && index >= 0 && Number.isInteger(index)) return low;
  throw new RangeError(`image index: expected 0 to ${(ends.at(-1) ?? 0) - 1}, received ${index}`);
}

/** [2, 3] becomes [2, 5]. */
export function endsOf(lengths: readonly number[]): Uint32Array {
  let end = 0;
  return Uint32Array.from(lengths, (length) => (end += length));
}

/** Index of the first image of a part. */
export function startOf(ends: Uint32Array, part: number): number {
  return part === 0 ? 0 : (ends[part - 1] ?? 0);
}
