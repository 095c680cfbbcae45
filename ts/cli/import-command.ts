/** `udi-native import`: options only; what they start is loaded when they are right. */
import { Command } from "commander";
import { collected, count } from "./option-values.js";

export interface ImportChoice {
  readonly out: string;
  readonly data?: string;
  readonly set?: readonly string[];
  readonly heads?: number;
  readonly json?: true;
}

const AFTER = `
Takes the public UDI training checkpoints and DINO's, and backbones on their own under the names of UDI, DINO and timm;
files of torch.save, old and new, and safetensors. Nothing in a file is run.

A training checkpoint becomes a run that "train DIR/config.yaml --resume --data PATH" goes on with: networks, optimiser,
centres, settings. It goes on at the beginning of the epoch that the file names; every schedule follows from epoch and
place in it. A backbone becomes DIR/backbone.safetensors, for commands that take a checkpoint.

Examples:
  udi-native import checkpoint.pth --out runs/published --set training.batchSize=1024
  udi-native import backbone.pth --out backbones/published
`;

export function importCommand(): Command {
  return new Command("import")
    .description("bring a checkpoint of another program here")
    .argument("<file>", "a file of weights: .pth, .pt, .safetensors")
    .requiredOption("--out <dir>", "folder that is made")
    .option("--data <path>", "images with which the run goes on (data.path)")
    .option("--set <key=value>", "set one key over what the file says; may be repeated", collected)
    .option("--heads <count>", "attention heads, where the file does not say it", count)
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER)
    .action(async (file: string, choice: ImportChoice) => {
      const { runImport } = await import("./import.js");
      await runImport(file, choice);
    });
}
