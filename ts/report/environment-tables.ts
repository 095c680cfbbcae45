/** On what runs ran, and in which parts. */

import { byteText, timeText } from "../number-text.js";
import { type Content, type Html, html } from "./html.js";
import type { RunFacts, RunPart } from "./run-facts.js";
import { runName, tableHtml } from "./tables.js";

/** Each may be missing: the file is written by other versions too. */
const ROWS: Readonly<Record<string, (part: RunPart) => string | undefined>> = {
  started: ({ startedAt }) => (startedAt === undefined ? undefined : timeText(startedAt)),
  host: ({ machine }) => machine?.host,
  system: ({ machine }) => machine?.system,
  CPU: ({ machine }) => (machine === undefined ? undefined : `${machine.cpu}, ${machine.cores} cores`),
  memory: ({ machine }) => (machine === undefined ? undefined : byteText(machine.memoryBytes)),
  device: ({ device }) =>
    device === undefined ? undefined : `${device.name} in ${device.precision}, ${device.threads} threads`,
  GPU: ({ device }) => device?.gpu?.name,
  "udi-native": ({ versions }) => versions?.["udi-native"],
  libtorch: ({ libtorch }) => libtorch?.version,
  Node: ({ versions }) => versions?.node,
  data: ({ dataset }) => dataset?.path,
  images: ({ dataset }) => (dataset === undefined ? undefined : String(dataset.images)),
  "names of the images, SHA-256": ({ dataset }) => dataset?.names,
};

export function environmentHtml(runs: readonly RunFacts[]): Html {
  const rows = Object.entries(ROWS).map(([name, value]) => [
    name,
    ...runs.map(({ parts }) => value(parts[0] ?? {}) ?? "–"),
  ]);
  const hashes = ["configuration, SHA-256", ...runs.map(({ summary }) => summary.configHash ?? "–")];
  const table = tableHtml({
    caption: "Environment of the newest part of each run",
    heads: ["", ...runs.map(({ summary }) => summary.name)],
    rows: [...rows.filter((row) => row.slice(1).some((cell) => cell !== "–")), hashes],
  });
  return html`${table}${partsTable(runs)}`;
}

/** Where a run was taken up again. */
function partsTable(runs: readonly RunFacts[]): Html | null {
  if (runs.every(({ parts }) => parts.length < 2)) return null;
  const rows = runs.flatMap((run, place) =>
    run.parts.map(({ startedAt, fromStep, command }): Content[] => [
      runName(run, place),
      startedAt === undefined ? "–" : timeText(startedAt),
      fromStep ?? "–",
      command?.join(" ") ?? "–",
    ]),
  );
  return tableHtml({
    caption: "Parts of the runs, newest first",
    heads: ["run", "started", "from step", "command"],
    numbers: [2],
    rows,
  });
}
