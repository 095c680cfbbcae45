/** `checkpoint.json`: what a checkpoint is of, and how to tell that its state file is whole. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { z } from "zod";

export const RECORD_FILE = "checkpoint.json";
export const STATE_FILE = "state.safetensors";

const count = z.int().nonnegative();

const schema = z.strictObject({
  format: z.literal(1),
  /** Steps made. */
  step: count,
  /** The batch that comes next, counted from 0. */
  position: z.strictObject({ epoch: count, index: count }),
  /** Images asked for so far, and those of them that could not be decoded. */
  samples: z.strictObject({ seen: count, skipped: count }),
  /** Null: not known, the weights come from elsewhere. The first resume adopts the images that it is given. */
  dataset: z.strictObject({ path: z.string(), images: count, names: z.string() }).nullable(),
  /** The part of the configuration that must not change, by dotted key. */
  config: z.record(z.string(), z.unknown()),
  configHash: z.string(),
  versions: z.record(z.string(), z.string()),
  /** SHA-256 of the state file. */
  sha256: z.string(),
  /** Where the weights come from, in words, where it is not this run's training: a file, averaged checkpoints. */
  origin: z.string().optional(),
});

export type CheckpointRecord = z.infer<typeof schema>;

/** The record in a checkpoint's folder, or in words why there is none. */
export async function readRecord(folder: string): Promise<CheckpointRecord | string> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(join(folder, RECORD_FILE), "utf8")));
    return parsed.success ? parsed.data : `${RECORD_FILE}: ${parsed.error.issues[0]?.message}`;
  } catch (error) {
    return reasonOf(error);
  }
}

/** Like `readRecord`, and also reads the whole state file and compares its checksum. */
export async function verifyCheckpoint(folder: string): Promise<CheckpointRecord | string> {
  const record = await readRecord(folder);
  if (typeof record === "string") return record;
  try {
    const same = (await fileHash(join(folder, STATE_FILE))) === record.sha256;
    return same ? record : `${STATE_FILE}: its checksum differs from that in ${RECORD_FILE}`;
  } catch (error) {
    return reasonOf(error);
  }
}

/** SHA-256 of a file, hexadecimal. */
export async function fileHash(file: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(file), hash);
  return hash.digest("hex");
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
