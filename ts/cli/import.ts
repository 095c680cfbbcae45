/** Runs `udi-native import`. */
import pc from "picocolors";
import { type Imported, importCheckpoint } from "../weights/import-checkpoint.js";
import type { ImportChoice } from "./import-command.js";

export async function runImport(file: string, choice: ImportChoice): Promise<void> {
  const { out, data, set, heads, json } = choice;
  const imported = await importCheckpoint({ file, out, data, set, heads });
  for (const remark of imported.remarks) console.error(`${pc.yellow("remark:")} ${remark}`);
  console.log(json ? JSON.stringify(facts(imported)) : importText(imported, data !== undefined));
}

function facts({ source, ...imported }: Imported) {
  const { path, networks, model, facts } = source;
  const { format, naming } = facts;
  return { ...imported, source: { path, format, naming, networks, model } };
}

/** What was made, and what comes next, as lines for a reader. */
export function importText(imported: Imported, hasData: boolean): string {
  const { kind, folder, checkpoint, position, source } = imported;
  const { width, depth, heads, patchSize } = source.model;
  const model = `width ${width}, depth ${depth}, heads ${heads}, patches of ${patchSize} pixels`;
  if (kind === "backbone" || position === null) {
    return `backbone: ${model}\n${checkpoint}\nnext: npx udi-native export ${folder} --format timm --out DIR`;
  }
  const data = hasData ? "" : " --data PATH";
  return [
    `run: ${model}; epochs made: ${position.epoch}, steps: ${position.step}`,
    folder,
    `next: npx udi-native train ${folder}/config.yaml --resume${data}`,
  ].join("\n");
}
