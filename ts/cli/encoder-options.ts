/** Options that the commands share which open a frozen network. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Feature } from "../native/encoder.js";
import { count } from "./option-values.js";

export interface EncoderChoice {
  readonly checkpoint: string;
  readonly network?: "teacher" | "student";
  readonly heads?: number;
  readonly feature?: readonly Feature[];
  readonly size?: number;
  readonly resizeTo?: number;
  readonly batch?: number;
  readonly workers?: number;
  readonly device?: string;
  readonly precision?: "fp32" | "bf16" | "fp16";
  readonly threads?: number;
  readonly json?: true;
}

export function addEncoderOptions(command: Command): Command {
  const network = new Option("--network <name>", "default: the teacher, or the only network of the file");
  const features = ["cls", "cls+", "cls,cls+", "patches"];
  const feature = new Option(
    "--feature <names...>",
    "each on its own; cls,cls+ is both, one behind the other",
  );
  const precision = new Option(
    "--precision <name>",
    "of matrix products (default: what the device computes fast)",
  );
  return command
    .requiredOption("--checkpoint <path>", "a run, one of its checkpoints, or a file of weights")
    .addOption(network.choices(["teacher", "student"]))
    .option("--heads <count>", "attention heads, where the file does not say it", count)
    .addOption(feature.choices(features).default(["cls"], "cls"))
    .option("--size <side>", "of the centre crop in pixels (default: that of the stored positions)", count)
    .option("--resize-to <side>", "of the shorter side before the crop (default: 256/224 of --size)", count)
    .option("--batch <images>", "images of a pass (default: 64)", count)
    .option("--workers <n>", "images decoded at once (default: as for training)", count)
    .option("--device <name>", "cpu, cuda, cuda:1 (default: auto)")
    .addOption(precision.choices(["fp32", "bf16", "fp16"]))
    .option("--threads <n>", "CPU threads (default: as for training)", count)
    .option("--json", "print one JSON object");
}

/** The same under the names that the library has for them. */
export function encoderRequest(choice: EncoderChoice) {
  const { feature, batch, checkpoint, network, heads, size, resizeTo } = choice;
  const { workers, device, precision, threads } = choice;
  const place = { checkpoint, network, heads, size, resizeTo, workers, device, precision, threads };
  return { ...place, features: [...new Set(feature)], batchSize: batch };
}

/** Every part of a list with commas. */
export function counts(text: string): readonly number[] {
  return text.split(",").map(count);
}

export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("expected a number above 0");
}
