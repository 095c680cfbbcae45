/** A temporary folder of configuration files, and the error that loading one of them gives. */
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type ConfigRequest, loadConfig } from "../../ts/config/load.js";
import { ConfigError } from "../../ts/errors.js";

/** Writes the files, and returns the folder. */
export function configFolder(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "udi-config-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** Path of a file with this text. */
export function configFile(text: string): string {
  return join(configFolder({ "my.yaml": text }), "my.yaml");
}

export function configErrorOf(load: () => unknown): ConfigError {
  try {
    load();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("expected a ConfigError, none was thrown");
}

export function loadError(request: ConfigRequest): ConfigError {
  return configErrorOf(() => loadConfig(request));
}
