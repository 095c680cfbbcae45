/** `udi-native runs`: the runs of a folder, a line each. */
import { Command } from "commander";

const AFTER = `
States: running (a process works on it), stopped, finished, requeue (a batch system stopped it and should start it again),
damaged (configuration or newest checkpoint cannot be read: udi-native verify RUN says more). Loss and images/s are means
over the last 20 steps; the best k-NN accuracy is that of all evaluations on held-out images, with its k. watch: signs of a
collapse that the last look found, or ok.
`;

export function runsCommand(): Command {
  return new Command("runs")
    .description("list the runs below a folder: state, epoch, loss, best k-NN, images/s")
    .argument("[folder]", "where the runs lie", "runs")
    .option("--json", "print one JSON array")
    .addHelpText("after", AFTER)
    .action(async (folder: string, { json }: { json?: true }) => {
      const { listRuns } = await import("../report/list-runs.js");
      const { runsText } = await import("./runs-text.js");
      const runs = await listRuns(folder);
      console.log(json ? JSON.stringify(runs) : runsText(runs, new Date()));
    });
}
