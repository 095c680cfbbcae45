/** NumPy's array file: one feature; paths and labels in a file of lines beside it. */
import { bytesOf, openPart, rowLines } from "./parts.js";
import type { RowFile, RowFileRequest } from "./row-file.js";

/** Room for any number of rows: the header is written once they are counted. */
const HEADER_BYTES = 128;

export async function npyFile({ out, columns }: RowFileRequest): Promise<RowFile> {
  const names = `${out}.jsonl`;
  const [values, lines] = [await openPart(out), await openPart(names)];
  let rows = 0;
  await values.append(header(0, 1));
  return {
    files: [out, names],
    async add({ paths, labels, features }) {
      await values.append(bytesOf(features[0] as Float32Array));
      await lines.append(rowLines(paths, labels));
      rows += paths.length;
    },
    async finish() {
      await values.handle.write(header(rows, columns[0]?.width ?? 0), 0, HEADER_BYTES, 0);
      for (const part of [values, lines]) await part.close();
      for (const part of [lines, values]) await part.settle();
    },
    async discard() {
      for (const part of [values, lines]) await part.discard();
    },
  };
}

/** Version 1.0 of the format: magic, length, a Python dictionary that ends in a line feed. */
function header(rows: number, width: number): Uint8Array {
  const bytes = Buffer.alloc(HEADER_BYTES, " ");
  bytes.set([0x93, ...Buffer.from("NUMPY"), 1, 0]);
  bytes.writeUInt16LE(HEADER_BYTES - 10, 8);
  bytes.write(`{'descr': '<f4', 'fortran_order': False, 'shape': (${rows}, ${width}), }`, 10);
  bytes[HEADER_BYTES - 1] = 0x0a;
  return bytes;
}
