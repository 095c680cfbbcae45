/** Many names in one piece of memory: no object is kept for each. */

/** Name i is the text of `bytes` from the end of name i - 1 to `ends[i]`. */
export interface NameTable {
  /** UTF-8. */
  readonly bytes: Uint8Array;
  readonly ends: Uint32Array;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Throws RangeError for an index that is not in [0, number of names). */
export function nameAt({ bytes, ends }: NameTable, index: number): string {
  const end = ends[index];
  if (end === undefined) {
    throw new RangeError(`image index: expected 0 to ${ends.length - 1}, received ${index}`);
  }
  return decoder.decode(bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

export function nameTable(names: readonly string[]): NameTable {
  const encoder = new TextEncoder();
  let bytes = new Uint8Array(16 * names.length + 64);
  const ends = new Uint32Array(names.length);
  let at = 0;
  for (const [index, name] of names.entries()) {
    if (at + 3 * name.length > bytes.length) bytes = enlarged(bytes, 3 * name.length);
    at += encoder.encodeInto(name, bytes.subarray(at)).written;
    ends[index] = at;
  }
  return { bytes: bytes.slice(0, at), ends };
}

/** The names of all tables, one after another. */
export function joinedTables(tables: readonly NameTable[]): NameTable {
  const size = tables.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const count = tables.reduce((sum, { ends }) => sum + ends.length, 0);
  if (size > 0xffff_ffff) throw new RangeError(`names: expected at most 4 GiB, received ${size} bytes`);
  const joined = { bytes: new Uint8Array(size), ends: new Uint32Array(count) };
  let [at, start] = [0, 0];
  for (const { bytes, ends } of tables) {
    joined.bytes.set(bytes, start);
    for (const end of ends) joined.ends[at++] = start + end;
    start += bytes.length;
  }
  return joined;
}

function enlarged(bytes: Uint8Array<ArrayBuffer>, by: number): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * bytes.length + by);
  larger.set(bytes);
  return larger;
}
