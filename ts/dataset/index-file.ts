/**
 * Indexes of data in the cache folder: facts as JSON and columns of numbers or bytes, in one file that is written whole or
 * not at all. A file that is damaged, of another version or of another thing is as good as none: it is made again.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { PARTIAL, removeAbandoned } from "./cache-folder.js";

export type Column = Uint8Array | Uint32Array | Int32Array | Float64Array | BigInt64Array;

export interface IndexContent {
  /** What the index is of, and small facts. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly columns: Readonly<Record<string, Column>>;
}

/** Raise it whenever the meaning of an index changes. */
const MARK = "udi-native index 1\n";
const DIGEST = 32;

const COLUMN_TYPES = { Uint8Array, Uint32Array, Int32Array, Float64Array, BigInt64Array };
type ColumnType = keyof typeof COLUMN_TYPES;

interface ColumnPlace {
  readonly name: string;
  readonly type: ColumnType;
  readonly start: number;
  readonly length: number;
}

interface Header {
  readonly facts: IndexContent["facts"];
  readonly columns: readonly ColumnPlace[];
}

/** The file for the index of something, known by its name. */
export function indexPath(cache: string, name: string): string {
  const digest = createHash("sha256").update(name).digest("hex");
  return join(cache, "indexes", digest.slice(0, 2), `${digest.slice(2, 34)}.index`);
}

/** Returns false where it cannot be written: an index saves time, and no more than that. */
export async function writeIndexFile(file: string, content: IndexContent): Promise<boolean> {
  const partial = `${file}.${randomUUID()}${PARTIAL}`;
  try {
    await mkdir(dirname(file), { recursive: true });
    await removeAbandoned(dirname(file));
    await writeFile(partial, written(content), { flush: true });
    await rename(partial, file);
    return true;
  } catch {
    await rm(partial, { force: true }).catch(() => {});
    return false;
  }
}

/** Mark, length of the header, header, columns, digest of all before; every part begins at a multiple of 8 bytes. */
function* written({ facts, columns }: IndexContent): Generator<Uint8Array> {
  const hash = createHash("sha256");
  const places: ColumnPlace[] = [];
  let start = 0;
  for (const [name, column] of Object.entries(columns)) {
    places.push({ name, type: typeOf(column), start, length: column.length });
    start += padded(column.byteLength);
  }
  const header = Buffer.from(JSON.stringify({ facts, columns: places } satisfies Header));
  const parts = [prefix(header.length), header, ...Object.values(columns)];
  for (const part of parts) {
    const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength);
    for (const piece of [bytes, Buffer.alloc(padded(bytes.length) - bytes.length)]) {
      hash.update(piece);
      yield piece;
    }
  }
  yield hash.digest();
}

function prefix(headerLength: number): Buffer {
  return Buffer.from(MARK + String(headerLength).padStart(12));
}

const PREFIX = padded(MARK.length + 12);

function typeOf(column: Column): ColumnType {
  return column.constructor === Buffer ? "Uint8Array" : (column.constructor.name as ColumnType);
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/** Null where there is none, or none that is whole. */
export async function readIndexFile(file: string): Promise<IndexContent | null> {
  const bytes = await readFile(file).catch(() => null);
  if (bytes === null || !isWhole(bytes)) return null;
  const headerLength = Number(bytes.toString("latin1", MARK.length, MARK.length + 12));
  const header: Header = JSON.parse(bytes.toString("utf8", PREFIX, PREFIX + headerLength));
  const begin = PREFIX + padded(headerLength);
  const columns = header.columns.map((place) => [place.name, column(bytes, begin, place)] as const);
  return { facts: header.facts, columns: Object.fromEntries(columns) };
}

function isWhole(bytes: Buffer): boolean {
  const end = bytes.length - DIGEST;
  if (end < PREFIX || bytes.toString("latin1", 0, MARK.length) !== MARK) return false;
  const digest = createHash("sha256").update(bytes.subarray(0, end)).digest();
  return digest.equals(bytes.subarray(end));
}

/** A view where memory is aligned for it, else a copy. */
function column(bytes: Buffer, begin: number, { type, start, length }: ColumnPlace): Column {
  const Type = COLUMN_TYPES[type];
  const at = begin + start;
  const size = length * Type.BYTES_PER_ELEMENT;
  if ((bytes.byteOffset + at) % 8 === 0)
    return new Type(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, length);
  return new Type(Uint8Array.from(bytes.subarray(at, at + size)).buffer, 0, length);
}
