/** `udi-native report`: a run as one HTML file. */
import { Command } from "commander";

interface ReportChoice {
  readonly compare?: readonly string[];
  readonly out: string;
  readonly json?: true;
}

const AFTER = `
One file that needs nothing beside it: loss and its terms, held-out k-NN, schedules, gradient norm, throughput and data wait,
configuration and what differs in it, environment, checkpoints, skipped files. Long runs are thinned to 1000 points a plot,
each with mean, smallest and largest value.

Examples:
  udi-native report runs/a
  udi-native report runs/b --compare runs/a runs/c --out b-against-a-and-c.html
`;

export function reportCommand(): Command {
  return new Command("report")
    .description("write a run, or several side by side, as one HTML file")
    .argument("<run>", "the folder of a run")
    .option("--compare <runs...>", "runs that it is compared to, at most 7")
    .option("--out <file>", "the HTML file", "report.html")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER)
    .action(async (run: string, { json, ...choice }: ReportChoice) => {
      const { writeReport } = await import("../report/write-report.js");
      const command = ["udi-native", ...process.argv.slice(2)].join(" ");
      const report = await writeReport({ run, ...choice, command });
      console.log(json ? JSON.stringify(report) : report.file);
    });
}
