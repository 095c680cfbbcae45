/** Numbers, shares, times and sizes for a reader. */

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

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** Sizes in bytes: 512 B, 1.3 MB, 147 GB. */
export function byteText(bytes: number): string {
  const step = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[step]}`;
}

/** A value of a configuration. */
export function valueText(value: unknown): string {
  if (value === undefined) return "not set";
  return typeof value === "string" ? value : JSON.stringify(value);
}
