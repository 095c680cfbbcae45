/** What the command line says of the collapse watch. */
import pc from "picocolors";
import type { WatchRecord } from "../run/records.js";
import { type Naming, tableRow } from "./table-row.js";

/** First look and last, side by side, and the signs that the last one found. */
export function watchTable(watch: readonly WatchRecord[], named: Naming): string[] {
  const [first, last] = [watch[0], watch.at(-1)];
  if (first === undefined || last === undefined || first === last) return [];
  const row = (name: string, value: (record: WatchRecord) => string) =>
    tableRow(name, [value(first), value(last)]);
  return [
    pc.bold(row("collapse watch", named)),
    row(
      "effective rank",
      ({ effectiveRank, largestRank }) => `${effectiveRank.toFixed(1)} of ${largestRank}`,
    ),
    row("divergence from mean", ({ divergence }) => `${divergence.toFixed(2)} nats`),
    ...signLines(last),
    "",
  ];
}

function signLines({ signs }: WatchRecord): string[] {
  return signs.length === 0 ? [] : [pc.yellow(`signs of a collapse: ${signs.join(", ")}`)];
}
