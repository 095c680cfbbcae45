/** Small safetensors files of fp32 tensors, read and written for tests. */
import { readFileSync, writeFileSync } from "node:fs";

export interface Tensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

export type Tensors = Readonly<Record<string, Tensor>>;

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Tensors that are not fp32 are left out. */
export function readTensors(file: string): Tensors {
  const bytes = readFileSync(file);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString("utf8", 8, start)) as Record<string, Entry>;
  const floats = Object.entries(header).filter(([, entry]) => entry.dtype === "F32");
  const tensors = floats.map(
    ([
      name,
      {
        shape,
        data_offsets: [first, end],
      },
    ]) => {
      const part = Uint8Array.from(bytes.subarray(start + first, start + end));
      return [name, { shape, values: new Float32Array(part.buffer) }] as const;
    },
  );
  return Object.fromEntries(tensors);
}

/** The note in the header of a file, if there is one of this name. */
export function readNote(file: string, key: string): string | undefined {
  const bytes = readFileSync(file);
  const header = JSON.parse(bytes.toString("utf8", 8, 8 + Number(bytes.readBigUInt64LE(0))));
  return header.__metadata__?.[key];
}

export function writeTensors(file: string, tensors: Tensors): void {
  let end = 0;
  const entries = Object.entries(tensors).map(([name, { shape, values }]) => {
    const start = end;
    end += values.byteLength;
    return [name, { dtype: "F32", shape, data_offsets: [start, end] }] as const;
  });
  const text = JSON.stringify(Object.fromEntries(entries));
  const header = Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  const parts = Object.values(tensors).map(({ values }) => Buffer.from(values.buffer));
  writeFileSync(file, Buffer.concat([length, header, ...parts]));
}
