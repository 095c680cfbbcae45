/** What may differ between the parts of one run, and what must not. */
import { createHash } from "node:crypto";
import { loadConfig } from "../config/load.js";
import { RunError, received } from "../errors.js";

/**
 * Sections that change how a run is watched and stored, not what it computes. `data` is among them because the
 * images themselves are compared (`DatasetIdentity`), wherever they lie; `init` because it is over once a run has a
 * checkpoint.
 */
const FREE = new Set(["output", "init", "data", "checkpoint", "logging", "evaluate"]);

/**
 * Keys of the machine and its memory. A run that was moved to another one must be able to go on, but it will not end with the same
 * bits: sums are made in another order. The precision is none of them: it changes what is computed, and the loss scale
 * of fp16 belongs to the state.
 */
const OF_THE_MACHINE = new Set(["device", "threads", "optimizer.accumulate", "crops.executor"]);

/** Keys that trade memory for time and change not one bit. */
const WITHOUT_EFFECT = new Set(["model.checkpointBlocks"]);

/** Values by dotted key. */
export type FlatConfig = Readonly<Record<string, unknown>>;

/** The part of a written configuration that every part of a run shares. */
export function fixedPart(written: Readonly<Record<string, unknown>>): FlatConfig {
  return flatConfig(Object.fromEntries(Object.entries(written).filter(([section]) => !FREE.has(section))));
}

/** All of a written configuration by dotted key. */
export function flatConfig(written: Readonly<Record<string, unknown>>): FlatConfig {
  return Object.fromEntries(Object.entries(written).flatMap(([section, value]) => leaves(section, value)));
}

/** Names a fixed part: SHA-256 of its keys and values in the order of the keys. */
export function configHash(fixed: FlatConfig): string {
  const entries = Object.entries(fixed).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(entries)).digest("hex");
}

/**
 * Throws RunError with the first key that differs and must not, and both its values; returns what to remark about those
 * that may. A key that did not exist when the run began had the effect of its default.
 */
export function requireSameConfig(before: FlatConfig, now: FlatConfig, folder: string): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  const changed = [...keys].sort().filter((key) => !isSame(key, before, now));
  const forbidden = changed.find((key) => !OF_THE_MACHINE.has(key));
  if (forbidden !== undefined) throw changedKey(forbidden, before, now, folder);
  return changed.map(
    (key) =>
      `${key} was ${received(before[key])} and is now ${received(now[key])}: the run goes on, but not to the same bits as without the change`,
  );
}

function isSame(key: string, before: FlatConfig, now: FlatConfig): boolean {
  if (WITHOUT_EFFECT.has(key) || JSON.stringify(before[key]) === JSON.stringify(now[key])) return true;
  if (key in before) return false;
  const usual = defaults()[key];
  return usual === "auto" || (usual !== undefined && JSON.stringify(usual) === JSON.stringify(now[key]));
}

let known: FlatConfig | undefined;

function defaults(): FlatConfig {
  known ??= fixedPart(loadConfig({ file: "defaults" }));
  return known;
}

function changedKey(key: string, before: FlatConfig, now: FlatConfig, folder: string): RunError {
  return new RunError(
    `${key}: expected ${received(before[key])} as in the run in ${folder}, received ${received(now[key])}`,
    {
      hint: `npx udi-native train ${folder}/config.yaml --resume goes on as it was; another --out starts anew`,
    },
  );
}

function leaves(key: string, value: unknown): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[key, value]];
  return Object.entries(value).flatMap(([name, inner]) => leaves(`${key}.${name}`, inner));
}
