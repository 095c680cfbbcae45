/** Sizes in bytes for a reader: 512 B, 1.3 MB, 147 GB. */
const UNITS = ["B", "kB", "MB", "GB", "TB"];

export function byteText(bytes: number): string {
  const step = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** step;
  return `${step === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[step]}`;
}
