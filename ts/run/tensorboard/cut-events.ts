/** Cuts the event files of a run's earlier parts to the checkpoint from which it goes on. */
import { existsSync } from "node:fs";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { join } from "node:path";
import { FOOTER_BYTES, HEADER_BYTES, stepOf } from "./event-record.js";

/** Names of a folder's event files, oldest part first. */
export async function eventFiles(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  return (await readdir(folder)).filter((name) => name.includes("tfevents")).sort();
}

/** What comes after `step`, and a record that a crash tore, goes; what stands before stays byte for byte. */
export async function cutEvents(folder: string, step: number): Promise<void> {
  for (const name of await eventFiles(folder)) {
    const handle = await open(join(folder, name), "r+");
    try {
      await handle.truncate(await keptBytes(handle, step));
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
}

/** A part writes its steps in order, so that all that goes stands at the end. */
async function keptBytes(handle: FileHandle, step: number): Promise<number> {
  const { size } = await handle.stat();
  let at = 0;
  while (at + HEADER_BYTES <= size) {
    const length = Number((await readAt(handle, at, HEADER_BYTES)).readBigUInt64LE());
    const end = at + HEADER_BYTES + length + FOOTER_BYTES;
    if (end > size) break;
    const message = await readAt(handle, at + HEADER_BYTES, Math.min(length, MESSAGE_START));
    const eventStep = stepOf(message);
    if (eventStep === null || eventStep > step) break;
    at = end;
  }
  return at;
}

/** Time and step stand within the first so many bytes of a message. */
const MESSAGE_START = 32;

async function readAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.alloc(length);
  await handle.read(bytes, 0, length, position);
  return bytes;
}
