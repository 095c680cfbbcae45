/**
 * The members of a tar file, found without reading what lies in them: tar-stream is given the headers, and zeros in the place
 * of the contents that nobody asks for.
 */
import { type FileHandle, open } from "node:fs/promises";
import { type Extract, type ExtractEvents, extract, type Header } from "tar-stream";

export interface TarMember {
  readonly name: string;
  /** Where its content begins in the file, and its length, in bytes. */
  readonly offset: number;
  readonly size: number;
  /** Null: it was not asked for. */
  readonly content: Buffer | null;
}

export interface TarReading {
  /** Whether the content of a member is to be read. */
  readonly wanted: (name: string, size: number) => boolean;
  /** Called with each regular file that lies wholly in the archive, in order. */
  readonly onMember: (member: TarMember) => void;
  /** Called with the name of each link, which holds nothing. */
  readonly onLink: (name: string) => void;
}

/** What is read at once: a header, and the small members that often follow an image. */
const WINDOW = 16 * 1024;
const ZEROS = Buffer.alloc(1024 * 1024);

/** Old archives without a mark of their format are read too; one buffer is worked on at a time. */
const EXTRACTION = { allowUnknownFormat: true, highWaterMark: 1 };

type Content = ExtractEvents["entry"][1];

/** Null: the archive is whole. Else what is wrong with its end: all members given before are good. */
export async function readTar(file: string, reading: TarReading): Promise<string | null> {
  const handle = await open(file);
  try {
    return await readOpened(handle, reading);
  } finally {
    await handle.close();
  }
}

async function readOpened(handle: FileHandle, reading: TarReading): Promise<string | null> {
  const { size } = await handle.stat();
  const archive = extract(EXTRACTION);
  const state = { size, skipTo: 0 };
  const closed = closing(archive);
  archive.on("entry", (header, stream, next) => enter({ header, stream, next, state, reading }));
  for (let at = 0; at < size && !archive.destroyed; ) {
    const bytes = at < state.skipTo ? ZEROS.subarray(0, state.skipTo - at) : await window(handle, at);
    at += bytes.length;
    if (!archive.write(bytes)) await Promise.race([drained(archive), closed]);
  }
  archive.end(null);
  return (await closed) ?? (await endDefect(handle, size));
}

interface Entry {
  readonly header: Header;
  readonly stream: Content;
  readonly next: () => void;
  readonly state: { readonly size: number; skipTo: number };
  readonly reading: TarReading;
}

function enter({ header, stream, next, state, reading }: Entry): void {
  const { name, type, size } = header;
  const offset = (header as Header & { readonly byteOffset: number }).byteOffset;
  const whole = type === "file" && offset + size <= state.size;
  const give = (content: Buffer | null) => {
    if (whole) reading.onMember({ name, offset, size, content });
    next();
  };
  if (type === "link" || type === "symlink") reading.onLink(name);
  stream.on("error", () => {}); // what is wrong with a member, the archive tells
  if (whole && reading.wanted(name, size)) collect(stream, give);
  else {
    state.skipTo = Math.min(offset + size, state.size);
    stream.resume();
    give(null);
  }
}

function collect(stream: Content, give: (content: Buffer) => void): void {
  const pieces: Buffer[] = [];
  stream.on("data", (piece: unknown) => pieces.push(piece as Buffer));
  stream.on("end", () => give(Buffer.concat(pieces)));
}

/** Resolves at the end of the archive: null, or what tar-stream objects to. */
function closing(archive: Extract): Promise<string | null> {
  return new Promise((resolve) => {
    archive.on("error", (error: Error) => resolve(sentence(error.message)));
    archive.on("close", () => resolve(null));
  });
}

function sentence(message: string): string {
  return message === "Unexpected end of data" ? "it ends in the middle of a member" : message;
}

function drained(archive: Extract): Promise<void> {
  return new Promise((resolve) => archive.once("drain", resolve));
}

async function window(handle: FileHandle, at: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(WINDOW), 0, WINDOW, at);
  if (bytesRead === 0) throw new Error("became shorter while it was read");
  return buffer.subarray(0, bytesRead);
}

/** An archive ends with blocks of zeros: one that was cut between two members does not. */
async function endDefect(handle: FileHandle, size: number): Promise<string | null> {
  if (size === 0) return "it is empty";
  const last = await handle.read(Buffer.alloc(512), 0, 512, Math.max(0, size - 512));
  return last.buffer.every((byte) => byte === 0) ? null : "it lacks the mark of its end";
}
