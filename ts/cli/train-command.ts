/** `udi-native train`: options only; what they start is loaded when they are right. */
import { Command, Option } from "commander";
import { collected } from "./option-values.js";

export interface TrainChoice {
  readonly data?: string;
  readonly out?: string;
  readonly set?: readonly string[];
  readonly init?: string;
  readonly resume?: true;
}

const AFTER = `
Progress goes to stderr, results to stdout. Ctrl-C finishes the steps underway, writes a checkpoint and says how to go on; a
second Ctrl-C leaves at once. SIGTERM and SIGUSR1 do the same for a batch system and leave a file "requeue" in the run's
folder.
Exit status: 0 finished, or stopped with the file "requeue"; 1 failed while running; 2 something to mend (message and
hint say what); 130 stopped by Ctrl-C; 129 by a terminal that was closed.

Examples:
  udi-native train                                          the quickstart, on images that it renders itself
  udi-native train --data photos --out runs/photos          the same small model on your own images
  udi-native train pretrain/vit-small-16-100ep --data imagenet/train --set training.batchSize=64
  udi-native train --data 'shards/train-{000..146}.tar'     WebDataset shards; a list of files (.txt, .csv, .tsv) likewise
  udi-native train runs/photos/config.yaml --resume         go on with a run that was stopped
`;

export function trainCommand(): Command {
  return new Command("train")
    .description("pretrain a Vision Transformer with UDI")
    .argument("[config]", "a YAML file, or the name of a built-in configuration (default: the quickstart)")
    .option(
      "--data <path>",
      "folder of images, list of files, or tar shards: 'shards-{000..146}.tar' (data.path)",
    )
    .option("--out <dir>", "folder of the run (output)")
    .option("--set <key=value>", "set one key, e.g. training.epochs=10; may be repeated", collected)
    .addOption(
      new Option("--init <checkpoint>", "weights that a new run starts from (init)").conflicts("resume"),
    )
    .option("--resume", "go on with the run in the output folder")
    .addHelpText("after", AFTER)
    .action(async (file: string | undefined, choice: TrainChoice) => {
      const { runTraining } = await import("./training.js");
      await runTraining(file, choice);
    });
}
