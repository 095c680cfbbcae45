/** `udi-native evaluate knn`: options only; what they start is loaded when they are right. */
import { Command } from "commander";
import { addEncoderOptions, counts, type EncoderChoice, positive } from "./encoder-options.js";

export interface EvaluateKnnChoice extends EncoderChoice {
  readonly train: string;
  readonly val?: string;
  readonly k: readonly number[];
  readonly temperature: number;
  readonly baselines?: true;
  /** False: `--no-cache`. A folder: `--cache`. True: the cache folder. */
  readonly cache: string | boolean;
}

const AFTER = `
Images are resized to --resize-to and cropped in the middle. Each image is voted on by its k nearest train images, a
neighbour of cosine s with the weight exp(s / temperature). Without --val each train image is judged by all others. Intervals
are those of a bootstrap of the judged images, 95 %.

--baselines says what the network's training is worth: the same vote on features of the same network with fresh weights (seed
0), and on raw pixels: the RGB values of the same view, at most 32 pixels wide, less the mean of the image.

Features are kept on the disk, by the weights, the images' names, sizes and times, and the preprocessing.

Examples:
  udi-native evaluate knn --checkpoint runs/photos --train photos/train --val photos/val
  udi-native evaluate knn --checkpoint runs/photos --train photos/train --val photos/val --baselines
  udi-native evaluate knn --checkpoint udi.pth --train photos --feature cls cls+ cls,cls+ patches --json
`;

export function evaluateKnnCommand(): Command {
  return addEncoderOptions(new Command("knn"))
    .description("classify images by their nearest neighbours, without training")
    .requiredOption("--train <dir>", "images that vote, one folder for each class")
    .option("--val <dir>", "images to measure on, with the same class folders (default: leave one out)")
    .option("--k <list>", "numbers of neighbours", counts, [10, 20, 100, 200])
    .option("--temperature <t>", "of the vote", positive, 0.07)
    .option("--baselines", "the same of the untrained network and of raw pixels")
    .option("--cache <dir>", "keep features there (default: the cache folder)")
    .option("--no-cache", "keep no features, and take none")
    .addHelpText("after", AFTER)
    .action(async (choice: EvaluateKnnChoice) => {
      const { runEvaluateKnn } = await import("./evaluate-knn.js");
      await runEvaluateKnn(choice);
    });
}
