/** `udi-native embed`: options only; what they start is loaded when they are right. */
import { Command } from "commander";
import { addEncoderOptions, type EncoderChoice } from "./encoder-options.js";

export interface EmbedChoice extends EncoderChoice {
  readonly out: string;
  readonly force?: true;
}

const AFTER = `
The end of --out says what is written, a row for each image, features as the network gives them:
  .parquet      columns path, label (class folder, or null) and one list of floats for each feature
  .safetensors  a tensor for each feature, and labels (-1: none); paths and labels in a .jsonl beside it
  .npy          one feature; paths and labels in a .jsonl beside it

Examples:
  udi-native embed photos --checkpoint runs/photos --out photos.parquet
  udi-native embed photos --checkpoint udi.pth --out photos.safetensors --feature cls patches --size 448
`;

export function embedCommand(): Command {
  return addEncoderOptions(new Command("embed"))
    .description("write the features of all images of a folder")
    .argument("<images>", "folder of images, with or without class folders")
    .requiredOption("--out <file>", "file to write: .parquet, .safetensors or .npy")
    .option("--force", "replace the file")
    .addHelpText("after", AFTER)
    .action(async (images: string, choice: EmbedChoice) => {
      const { runEmbed } = await import("./embed.js");
      await runEmbed(images, choice);
    });
}
