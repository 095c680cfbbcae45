/** What may differ between the parts of one run, and what must not. */
import { createHash } from "node:crypto";
import { RunError, received } from "../errors.js";

/**
 * Sections that change how a run is watched and stored, not what it computes. `data` is among them because the
 * images themselves are compared (`DatasetIdentity`), wherever they lie.
 */
const FREE = new Set(["output", "data", "checkpoint", "logging", "evaluate"]);

/** Values by dotted key. */
export type FlatConfig = Readonly<Record<string, unknown>>;

/** The part of a written configuration that every part of a run shares. */
export function fixedPart(written: Readonly<Record<string, unknown>>): FlatConfig {
  const fixed = Object.entries(written).filter(([section]) => !FREE.has(section));
  return Object.fromEntries(fixed.flatMap(([section, value]) => leaves(section, value)));
}

/** Names a fixed part: SHA-256 of its keys and values in the order of the keys. */
export function configHash(fixed: FlatConfig): string {
  const entries = Object.entries(fixed).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(entries)).digest("hex");
}

/** Throws RunError with the first key that differs and both its values. */
export function requireSameConfig(before: FlatConfig, now: FlatConfig, folder: string): void {
  const keys = new Set([...Object.keys(before), ...Object.keys(now)]);
  for (const key of [...keys].sort()) {
    if (JSON.stringify(before[key]) === JSON.stringify(now[key])) continue;
    throw new RunError(
      `${key}: expected ${received(before[key])} as in the run in ${folder}, received ${received(now[key])}`,
      {
        hint: `npx udi-native train ${folder}/config.yaml --resume goes on as it was; another --out starts anew`,
      },
    );
  }
}

function leaves(key: string, value: unknown): [string, unknown][] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[key, value]];
  return Object.entries(value).flatMap(([name, inner]) => leaves(`${key}.${name}`, inner));
}
