/**
 * One event as TensorBoard stores it: length (64 bits), masked CRC-32C of the length, message, masked CRC-32C of the message.
 * Of its protocol buffers three messages are needed: `Event`, `Summary` and `Summary.Value`.
 */
import { maskedCrc32c } from "./crc32c.js";

/** Values of one step by tag. */
export interface ScalarEvent {
  /** Seconds since 1970. */
  readonly time: number;
  readonly step: number;
  readonly scalars: Readonly<Record<string, number>>;
}

/** Bytes of a record around its message. */
export const HEADER_BYTES = 12;
export const FOOTER_BYTES = 4;

export function scalarRecord({ time, step, scalars }: ScalarEvent): Buffer {
  const values = Object.entries(scalars).map(([tag, value]) =>
    lengthField(1, Buffer.concat([lengthField(1, Buffer.from(tag)), floatField(2, value)])),
  );
  return record(eventMessage({ time, step, what: lengthField(5, Buffer.concat(values)) }));
}

/** Stands first in every file. */
export function versionRecord(time: number): Buffer {
  return record(eventMessage({ time, step: 0, what: lengthField(3, Buffer.from("brain.Event:2")) }));
}

/** Tells a reader that has seen more already to forget everything from `step` on: a session starts there. */
export function restartRecord(time: number, step: number): Buffer {
  const start = Buffer.from([(1 << 3) | VARINT, 1]);
  return record(eventMessage({ time, step, what: lengthField(7, start) }));
}

/** Step of an event's message as `eventMessage` writes it; null: it is none. */
export function stepOf(message: Buffer): number | null {
  if (message.length < 10 || message[0] !== ((1 << 3) | DOUBLE) || message[9] !== ((2 << 3) | VARINT)) {
    return null;
  }
  let step = 0;
  for (let [at, scale] = [10, 1]; at < message.length; at++, scale *= 128) {
    const byte = message[at] as number;
    step += (byte & 0x7f) * scale;
    if (byte < 0x80) return step;
  }
  return null;
}

function eventMessage({ time, step, what }: { time: number; step: number; what: Buffer }): Buffer {
  const seconds = Buffer.alloc(9);
  seconds[0] = (1 << 3) | DOUBLE;
  seconds.writeDoubleLE(time, 1);
  return Buffer.concat([seconds, Buffer.from([(2 << 3) | VARINT, ...varint(step)]), what]);
}

function record(message: Buffer): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + message.length + FOOTER_BYTES);
  bytes.writeBigUInt64LE(BigInt(message.length), 0);
  bytes.writeUInt32LE(maskedCrc32c(bytes.subarray(0, 8)), 8);
  message.copy(bytes, HEADER_BYTES);
  bytes.writeUInt32LE(maskedCrc32c(message), HEADER_BYTES + message.length);
  return bytes;
}

/** Kinds of fields on the wire. */
const VARINT = 0;
const DOUBLE = 1;
const LENGTH = 2;
const FLOAT = 5;

function lengthField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([(number << 3) | LENGTH, ...varint(bytes.length)]), bytes]);
}

function floatField(number: number, value: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes[0] = (number << 3) | FLOAT;
  bytes.writeFloatLE(value, 1);
  return bytes;
}

/** Seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 0x80);
  return [...bytes, rest];
}
