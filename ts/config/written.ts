/** What will run -> a configuration file that runs the same again. */
import { Document, isScalar } from "yaml";
import type { ResolvedConfig } from "./resolved.js";
import type { Config } from "./schema.js";

/** Without what other keys determine; nothing in it is "auto". */
export function writtenConfig(resolved: ResolvedConfig): Config {
  const { reasons: _reasons, ...rest } = resolved;
  const { imageSize: _imageSize, ...model } = resolved.model;
  const { patchSize: _patchSize, includePatch: _includePatch, ...crops } = resolved.crops;
  return { ...rest, model, crops };
}

/** Text of a file that `loadConfig` reads; beside each value that was "auto" stands why it was chosen. */
export function configYaml(resolved: ResolvedConfig): string {
  const document = new Document(writtenConfig(resolved), { aliasDuplicateObjects: false });
  for (const [key, reason] of Object.entries(resolved.reasons)) {
    const value = document.getIn(key.split("."), true);
    if (isScalar(value)) value.comment = ` auto: ${reason}`;
  }
  return document.toString({ lineWidth: 0 });
}
