/** `udi-native average`: one checkpoint of several. */
import { Command } from "commander";

export interface AverageChoice {
  readonly out: string;
  readonly json?: true;
}

const AFTER = `
Student and teacher are averaged value by value, in fp64. The result is a checkpoint that export, inspect and evaluation
take; it has no optimiser, so that no run goes on from it.

Example:
  udi-native average runs/a/checkpoints/9000 runs/a/checkpoints/10000 --out runs/a-average
`;

export function averageCommand(): Command {
  return new Command("average")
    .description("average the weights of several checkpoints of one architecture")
    .argument("<checkpoints...>", "runs, checkpoints or files of them, at least two")
    .requiredOption("--out <dir>", "folder of the new checkpoint")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER)
    .action(async (checkpoints: string[], choice: AverageChoice) => {
      const { runAverage } = await import("./average.js");
      await runAverage(checkpoints, choice);
    });
}
