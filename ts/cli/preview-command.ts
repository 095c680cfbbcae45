/** `udi-native preview`: options only. */
import { Command } from "commander";
import { collected, wholeNumber } from "./option-values.js";

export interface PreviewChoice {
  readonly data?: string;
  readonly out: string;
  readonly images: number;
  readonly epoch: number;
  readonly seed?: number;
  readonly set?: readonly string[];
}

const AFTER = `
Shows the first images of an epoch: the crops on the original, each view as the network gets it, the patches that are
sampled (SRS) and where the other crop shows the same place. With the same configuration, data and seed training makes
the very same views.

Examples:
  udi-native preview                                        the quickstart's images
  udi-native preview pretrain/vit-small-16-100ep --data imagenet/train --images 4 --out views.png
`;

export function previewCommand(): Command {
  return new Command("preview")
    .description("a picture of what the network sees: crops, views, sampled patches")
    .argument("[config]", "a YAML file, or the name of a built-in configuration (default: the quickstart)")
    .option("--data <path>", "images: a folder, a list or shards (data.path)")
    .option("--out <file>", "picture to write: .png, .jpg or .webp", "preview.png")
    .option("--images <count>", "images to show", wholeNumber(1), 1)
    .option("--epoch <number>", "epoch whose views are shown", wholeNumber(1), 1)
    .option("--seed <number>", "seed of every random choice (seed)", wholeNumber(0))
    .option("--set <key=value>", "set one key, e.g. crops.localCrops=6; may be repeated", collected)
    .addHelpText("after", AFTER)
    .action(async (file: string | undefined, choice: PreviewChoice) => {
      const { runPreview } = await import("./preview.js");
      await runPreview(file, choice);
    });
}
