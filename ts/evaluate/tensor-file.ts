/** Safetensors files larger than memory, written piece by piece under a temporary name and then renamed. */
import { type FileHandle, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

export interface TensorPart {
  readonly dtype: "F32" | "I32";
  readonly shape: readonly number[];
  /** Its values, little-endian, in pieces; together as many bytes as the shape says. */
  readonly pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
}

/** The whole of a header: what is where. */
export interface TensorHeader {
  readonly tensors: Readonly<Record<string, { readonly shape: readonly number[]; readonly start: number }>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Length of the file. */
  readonly bytes: number;
}

const WORD = 4;

/** A header larger than this is none of ours. */
const LARGEST_HEADER = 1 << 28;

/** Pieces of a typed array: its own memory. */
export function* arrayPieces(array: Float32Array | Int32Array): Generator<Uint8Array> {
  const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  for (let start = 0; start < bytes.length; start += 1 << 24) yield bytes.subarray(start, start + (1 << 24));
}

/** Replaces `file`, if there is one. Metadata may be made once all pieces have gone through. */
export async function writeTensorFile(
  file: string,
  parts: Readonly<Record<string, TensorPart>>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  await writeWhole(file, async (handle) => {
    await writeAll(handle, header(parts, metadata));
    for (const { pieces } of Object.values(parts)) {
      for await (const piece of pieces) await writeAll(handle, piece);
    }
  });
}

/** `fill` writes a file under a temporary name, which then takes the place of `file`. */
export async function writeWhole(file: string, fill: (handle: FileHandle) => Promise<void>): Promise<void> {
  const partial = `${file}.${process.pid}.partial`;
  await mkdir(dirname(file), { recursive: true });
  try {
    const handle = await open(partial, "w");
    try {
      await fill(handle);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(partial, file);
  } catch (error) {
    await rm(partial, { force: true });
    throw error;
  }
}

/** A write may take less than it is given. */
export async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at, bytes.length - at)).bytesWritten;
}

/** Fills `bytes` from a place in the file. Throws where it ends before that. */
export async function readAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const length = Math.min(bytes.length - at, 1 << 26);
    const { bytesRead } = await handle.read(bytes, at, length, position + at);
    if (bytesRead === 0) throw new Error("the file ends too early");
    at += bytesRead;
  }
}

/** Throws where the file is none that `writeTensorFile` wrote. */
export async function readTensorHeader(handle: FileHandle): Promise<TensorHeader> {
  const prefix = Buffer.alloc(8);
  await readAll(handle, prefix, 0);
  const length = Number(prefix.readBigUInt64LE());
  if (length > LARGEST_HEADER) throw new Error("the header is too long");
  const text = Buffer.alloc(length);
  await readAll(handle, text, 8);
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(text.toString("utf8"));
  const tensors: Record<string, { shape: number[]; start: number }> = {};
  let bytes = 8 + length;
  for (const [name, entry] of Object.entries(entries)) {
    const { shape, data_offsets } = entry as { shape: number[]; data_offsets: [number, number] };
    tensors[name] = { shape, start: 8 + length + data_offsets[0] };
    bytes = Math.max(bytes, 8 + length + data_offsets[1]);
  }
  return { tensors, metadata, bytes };
}

function header(
  parts: Readonly<Record<string, TensorPart>>,
  metadata: Readonly<Record<string, string>>,
): Uint8Array {
  const entries: Record<string, unknown> = { __metadata__: metadata };
  let end = 0;
  for (const [name, { dtype, shape }] of Object.entries(parts)) {
    const start = end;
    end += shape.reduce((product, side) => product * side, WORD);
    entries[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const text = Buffer.from(JSON.stringify(entries), "utf8");
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, " "); // values then lie on multiples of 8
  text.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded]);
}
