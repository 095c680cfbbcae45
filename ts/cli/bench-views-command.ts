/** `udi-native bench views`: options only. */
import { Command } from "commander";
import { wholeNumber } from "./option-values.js";

export interface BenchViewsChoice {
  readonly data?: string;
  readonly locals?: string;
  readonly threads?: number;
  readonly images: number;
  readonly batch: number;
  readonly json?: true;
}

const AFTER = `
Runs the stream of batches that training reads, without the step: with one thread and with all of them, then each part
alone. Files that were read lately come from memory: on a data set that is larger than that, measure a fresh one.
`;

export function benchViewsCommand(): Command {
  return new Command("views")
    .description("time the making of views: reading, decoding, cropping")
    .option(
      "--data <path>",
      "images: a folder, a list or shards (default: 500 x 375 JPEG files made by code)",
    )
    .option("--locals <crops>", "local crops of each image (crops.localCrops, default 10)")
    .option("--threads <count>", "threads to compare with a single one (default: all)", wholeNumber(1))
    .option("--images <count>", "images of each run", wholeNumber(1), 512)
    .option("--batch <images>", "images in a batch; at most as many as there are", wholeNumber(1), 32)
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER)
    .action(async (choice: BenchViewsChoice) => {
      const { runBenchViews } = await import("./bench-views.js");
      await runBenchViews(choice);
    });
}
