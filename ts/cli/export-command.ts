/** `udi-native export`: options only; what they start is loaded when they are right. */
import { Command, InvalidArgumentError, Option } from "commander";
import { count } from "./option-values.js";

export interface ExportChoice {
  readonly format: "safetensors" | "timm" | "huggingface" | "onnx";
  readonly out: string;
  readonly network?: "teacher" | "student";
  readonly dtype: "fp32" | "fp16";
  readonly imageSize?: { readonly height: number; readonly width: number };
  readonly heads?: number;
  readonly license?: string;
  readonly force?: true;
  readonly json?: true;
}

const AFTER = `
The folder holds the weights, what the library needs beside them, load.py (a ready snippet), README.md (a model card) and
export.json (checksums). Features are those of the checkpoint within rounding.

Examples:
  udi-native export runs/photos --format timm --out exports/photos-timm
  udi-native export runs/photos --format onnx --image-size 448 --out exports/photos-448
  udi-native export checkpoint.pth --format huggingface --license cc-by-nc-4.0 --out exports/public
`;

export function exportCommand(): Command {
  return new Command("export")
    .description("write a trained backbone for timm, transformers, ONNX runtimes or as plain safetensors")
    .argument("<checkpoint>", "a run, one of its checkpoints, or a file of weights (.safetensors, .pth)")
    .addOption(
      new Option("--format <name>", "whose model it becomes")
        .choices(["safetensors", "timm", "huggingface", "onnx"])
        .makeOptionMandatory(),
    )
    .requiredOption("--out <dir>", "the folder to make")
    .addOption(
      new Option("--network <name>", "default: the teacher, or the only network of the file").choices([
        "teacher",
        "student",
      ]),
    )
    .addOption(
      new Option("--dtype <name>", "numbers of the stored weights").choices(["fp32", "fp16"]).default("fp32"),
    )
    .option(
      "--image-size <side>",
      "resample positions for images of this side, or 480x640 (height x width)",
      size,
    )
    .option("--heads <count>", "attention heads, where the file does not say it", count)
    .option("--license <name>", "licence of the weights, as model hubs name it")
    .option("--force", "replace an earlier export in the folder")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER)
    .action(async (checkpoint: string, choice: ExportChoice) => {
      const { runExport } = await import("./export.js");
      await runExport(checkpoint, choice);
    });
}

function size(text: string): { height: number; width: number } {
  const sides = text.split("x");
  if (sides.length > 2)
    throw new InvalidArgumentError("expected a side in pixels, or height x width: 224, 480x640");
  const [height = 0, width = height] = sides.map(count);
  return { height, width };
}
