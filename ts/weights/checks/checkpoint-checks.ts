/** Whether a checkpoint is whole, holds numbers, and comes back from an engine as it went in. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { engineOptions } from "../../config/engine-options.js";
import { mergeLayers, singleValue } from "../../config/layer.js";
import { loadConfigOver } from "../../config/load.js";
import { resolveConfig } from "../../config/resolve.js";
import { findNonFinite } from "../../native/average-weights.js";
import { machine, openEngine } from "../../native/engine.js";
import { machineFacts } from "../../native/machine-facts.js";
import type { NativeOptions } from "../../native/types.js";
import { openWeights } from "../../native/weights.js";
import { type CheckpointRecord, fileHash, readRecord, STATE_FILE } from "../../run/checkpoint-record.js";
import { configHash } from "../../run/config-change.js";
import { attempt, attemptSlowly, type Check } from "./check.js";

/** `part`: how the checks name the folder. What a damaged file makes pointless is not asked. */
export async function* checkpointChecks(folder: string, part: string): AsyncGenerator<Check> {
  const record = await readRecord(folder);
  if (typeof record === "string") {
    yield { part, name: "record", outcome: "damaged", detail: record };
    return;
  }
  yield attempt(part, "record", () => recordFacts(record));
  const state = join(folder, STATE_FILE);
  const sum = await attemptSlowly(part, "checksum", () => requireSum(state, record));
  yield sum;
  if (sum.outcome === "damaged") return;
  const finite = await attemptSlowly(part, "finite values", () => requireFinite(state));
  yield finite;
  yield await reloaded(state, record, part);
}

function recordFacts({ step, position, config, configHash: stated }: CheckpointRecord): string {
  if (configHash(config) !== stated) throw new Error("its configHash is not that of its config");
  return `step ${step}, epoch ${position.epoch} and ${position.index} batches`;
}

async function requireSum(file: string, { sha256 }: CheckpointRecord): Promise<string> {
  const found = await fileHash(file);
  if (found === sha256) return "";
  throw new Error(`expected SHA-256 ${sha256}, found ${found}`);
}

async function requireFinite(file: string): Promise<string> {
  const [first, ...others] = await findNonFinite(file);
  if (first === undefined) return "";
  const more = others.length === 0 ? "" : ` and ${others.length} more tensors`;
  throw new Error(`${first.name} has ${first.count} values that are no finite numbers${more}`);
}

/** Loads the state into an engine and saves it again: it must have the same bytes. */
async function reloaded(state: string, record: CheckpointRecord, part: string): Promise<Check> {
  const name = "the same after loading and saving";
  const facts = await openWeights(state).catch(() => null);
  if (facts !== null && facts.optimizer === null) {
    const detail = "networks alone, from which no run goes on";
    return { part, name, outcome: "skipped", detail };
  }
  return attemptSlowly(part, name, async () => {
    await using native = await openEngine(await optionsOf(record));
    await native.load(state);
    const folder = await mkdtemp(join(tmpdir(), "udi-verify-"));
    try {
      const { sha256 } = await native.save(join(folder, STATE_FILE));
      if (sha256 !== record.sha256) throw new Error(`expected SHA-256 ${record.sha256}, found ${sha256}`);
      return "";
    } finally {
      await rm(folder, { recursive: true });
    }
  });
}

/** The engine of the run, on this machine's CPU. */
async function optionsOf({ config }: CheckpointRecord): Promise<NativeOptions> {
  const here = Object.entries({ ...config, device: "cpu", threads: "auto" });
  const values = mergeLayers(here.map(([key, value]) => singleValue(key, value, `${key} of the checkpoint`)));
  const images = { samples: Number.MAX_SAFE_INTEGER, dataKind: "class-folders", labelled: true } as const;
  const facts = { ...machineFacts(await machine()), ...images };
  return engineOptions(resolveConfig(loadConfigOver(values, {}), facts));
}
