/** Numbers, times and sizes as a report shows them. */

/** Four significant digits; very small and very large ones with an exponent. */
export function numberText(value: number): string {
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(2);
  return size >= 1000 ? value.toFixed(0) : String(Number(value.toPrecision(4)));
}

/** 61.4 % */
export function percentText(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** 2026-11-25 00:46 UTC; what is no time stays as it is. */
export function timeText(iso: string): string {
  const time = Date.parse(iso);
  return Number.isNaN(time) ? iso : `${new Date(time).toISOString().slice(0, 16).replace("T", " ")} UTC`;
}

/** 16.0 GB */
export function gigabytesText(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** A value of a configuration. */
export function valueText(value: unknown): string {
  if (value === undefined) return "not set";
  return typeof value === "string" ? value : JSON.stringify(value);
}
