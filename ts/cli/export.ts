/** Runs `udi-native export`. */
import { join } from "node:path";
import { type ExportResult, exportCheckpoint } from "../weights/export.js";
import type { ExportChoice } from "./export-command.js";

export async function runExport(checkpoint: string, choice: ExportChoice): Promise<void> {
  const { force, json, ...options } = choice;
  const result = await exportCheckpoint({ checkpoint, ...options, existing: force ? "replace" : "refuse" });
  for (const remark of result.remarks) console.error(remark);
  console.log(json ? JSON.stringify(result) : exportText(result));
}

/** What was written, and what to do with it, as lines for a reader. */
export function exportText({ folder, format, network, files }: ExportResult): string {
  const rows = files.map(({ name, bytes }) => `  ${name.padEnd(26)} ${size(bytes).padStart(9)}`);
  const whose = network === "backbone" ? "backbone" : `${network}'s backbone`;
  return [`${whose} for ${format} in ${folder}:`, ...rows, `load it as ${join(folder, "load.py")} does`].join(
    "\n",
  );
}

function size(bytes: number): string {
  return bytes >= 1e6 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e3).toFixed(1)} kB`;
}
