/** A tensor for each feature, and labels; paths and labels in a file of lines beside it. */
import { createReadStream } from "node:fs";
import { writeTensorFile } from "../tensor-file.js";
import { bytesOf, openPart, rowLines } from "./parts.js";
import type { RowFile, RowFileRequest } from "./row-file.js";

/** Tensors lie one behind the other, so each is collected in a file of its own before. */
export async function safetensorsFile({ out, columns, classes }: RowFileRequest): Promise<RowFile> {
  const names = `${out}.jsonl`;
  const lines = await openPart(names);
  const labels = await openPart(`${out}.labels`);
  const tensors = await Promise.all(columns.map((_, at) => openPart(`${out}.${at}`)));
  const collected = [...tensors, labels];
  let rows = 0;
  const discard = async () => {
    for (const part of collected) await part.discard();
  };
  return {
    files: [out, names],
    async add(batch) {
      for (const [at, part] of tensors.entries())
        await part.append(bytesOf(batch.features[at] as Float32Array));
      await labels.append(bytesOf(Int32Array.from(batch.classes)));
      await lines.append(rowLines(batch.paths, batch.labels));
      rows += batch.paths.length;
    },
    async finish() {
      for (const part of [...collected, lines]) await part.close();
      const features = columns.map(({ feature, width }, at) => {
        const pieces = createReadStream((tensors[at] as (typeof tensors)[number]).partial);
        return [feature, { dtype: "F32", shape: [rows, width], pieces }] as const;
      });
      const last = { dtype: "I32", shape: [rows], pieces: createReadStream(labels.partial) } as const;
      const parts = { ...Object.fromEntries(features), labels: last };
      await writeTensorFile(out, parts, { classes: JSON.stringify(classes) });
      await lines.settle();
      await discard();
    },
    async discard() {
      await discard();
      await lines.discard();
    },
  };
}
