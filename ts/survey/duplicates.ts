/** Files of the same content. */

/** Images whose files hold the same bytes, in the order of the source. */
export type Duplicates = readonly number[];

/**
 * All groups of two or more, by their first image. Of a million images a million 8-byte digests are kept and sorted, no
 * object for each: two different files share one by chance with a probability of 1 in 10^7.
 */
export function duplicateGroups(digests: BigUint64Array, known: (index: number) => boolean): Duplicates[] {
  const order = Uint32Array.from(digests.keys()).filter(known);
  order.sort((a, b) => compare(digests[a] as bigint, digests[b] as bigint) || a - b);
  const groups: number[][] = [];
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && digests[order[end] as number] === digests[order[start] as number]) end += 1;
    if (end - start > 1) groups.push([...order.subarray(start, end)]);
    start = end;
  }
  return groups.sort((a, b) => (a[0] as number) - (b[0] as number));
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
