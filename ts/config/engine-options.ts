/** What an engine is opened with, as a configuration has it. */
import type { NativeOptions } from "../native/types.js";
import type { ResolvedConfig } from "./resolved.js";

export function engineOptions(config: ResolvedConfig): NativeOptions {
  const { objective, optimizer, device, precision, seed, threads } = config;
  const { arch: _, ...model } = config.model;
  return { model, objective, optimizer, device, precision, seed, threads };
}
