/** How an "auto" becomes a value: once, with the reason beside it. */

/** For each key that was "auto": the value chosen and why. */
export type Reasons = Record<string, string>;

/** Keeps what is written; for "auto" takes what `choose` gives and notes its reason under `key`. */
export function settle<T extends string | number>(
  reasons: Reasons,
  key: string,
  written: T | "auto",
  choose: () => readonly [value: T, reason: string],
): T {
  if (written !== "auto") return written;
  const [value, reason] = choose();
  reasons[key] = `${value}: ${reason}`;
  return value;
}
