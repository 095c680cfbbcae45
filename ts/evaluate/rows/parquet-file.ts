/** Apache Parquet: path, label and one list of floats for each feature. */
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { openPart } from "./parts.js";
import type { RowFile, RowFileRequest, Rows } from "./row-file.js";

/** Values of a row group: what is held at once, 32 MB. */
const GROUP_VALUES = 1 << 23;

type Schema = ConstructorParameters<typeof ParquetWriter>[0]["schema"];

export async function parquetFile({ out, columns }: RowFileRequest): Promise<RowFile> {
  const part = await openPart(out);
  const bytes = new ByteWriter();
  const writer = new ParquetWriter({
    writer: bytes,
    schema: schemaOf(columns.map(({ feature }) => feature)),
  });
  const width = columns.reduce((sum, column) => sum + column.width, 0);
  let held: Rows[] = [];
  let rows = 0;
  /** The library counts on: only what it has written so far leaves its memory. */
  const drain = async () => {
    await part.append(new Uint8Array(bytes.buffer, 0, bytes.index));
    bytes.index = 0;
  };
  const group = async () => {
    if (rows > 0)
      await writer.write({ columnData: columnData(held, columns.length, rows), rowGroupSize: rows });
    [held, rows] = [[], 0];
    await drain();
  };
  return {
    files: [out],
    async add(batch) {
      held.push(batch);
      rows += batch.paths.length;
      if (rows * width >= GROUP_VALUES) await group();
    },
    async finish() {
      await group();
      await writer.finish();
      await drain();
      await part.close();
      await part.settle();
    },
    discard: () => part.discard(),
  };

  function columnData(batches: readonly Rows[], count: number, total: number) {
    const lists = Array.from({ length: count }, (_, at) => ({
      name: columns[at]?.feature as string,
      data: batches.flatMap((batch) => listsOf(batch, at)),
      encoding: "PLAIN" as const,
      codec: "UNCOMPRESSED" as const,
      statistics: false,
    }));
    const text = {
      path: batches.flatMap(({ paths }) => paths),
      label: batches.flatMap(({ labels }) => labels),
    };
    if (text.path.length !== total) throw new RangeError("rows were miscounted");
    return [{ name: "path", data: text.path }, { name: "label", data: text.label }, ...lists];
  }
}

/** A list for each row. */
function listsOf({ paths, features }: Rows, at: number): number[][] {
  const values = features[at] as Float32Array;
  const width = values.length / paths.length;
  return paths.map((_, row) => Array.from(values.subarray(row * width, (row + 1) * width)));
}

/** Three levels for a list, as the format asks for. */
function schemaOf(features: readonly string[]): Schema {
  const list = (name: string): Schema => [
    { name, converted_type: "LIST", repetition_type: "REQUIRED", num_children: 1 },
    { name: "list", repetition_type: "REPEATED", num_children: 1 },
    { name: "element", type: "FLOAT", repetition_type: "REQUIRED" },
  ];
  return [
    { name: "root", num_children: 2 + features.length },
    { name: "path", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "REQUIRED" },
    { name: "label", type: "BYTE_ARRAY", converted_type: "UTF8", repetition_type: "OPTIONAL" },
    ...features.flatMap(list),
  ];
}
