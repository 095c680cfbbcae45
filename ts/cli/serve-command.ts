/** `udi-native serve`: the runs of a folder in a browser, live. */
import { Command, InvalidArgumentError } from "commander";
import pc from "picocolors";
import { Interruption } from "./interruption.js";
import { wholeNumber } from "./option-values.js";

interface ServeChoice {
  readonly port?: number;
  readonly host: string;
}

const AFTER = `
A table of all runs below the folder, to sort, to filter and to choose from; a page for each run and for up to 8 side by
side, as \`report\` writes it, with new points, scores and states as they come. It only reads, and nothing outside the
folder is shown. Ctrl-C ends it.

Examples:
  udi-native serve runs
  ssh -L 6106:localhost:6106 gpu-machine npx udi-native serve runs    # then open http://localhost:6106 here
`;

export function serveCommand(): Command {
  return new Command("serve")
    .description("show the runs below a folder in a browser, live")
    .argument("[folder]", "where the runs lie", "runs")
    .option(
      "--port <number>",
      "where to listen; 0: a free port (default: 6106, or a free one if it is taken)",
      port,
    )
    .option("--host <address>", "the default is reached from this machine alone", "127.0.0.1")
    .addHelpText("after", AFTER)
    .action(async (folder: string, choice: ServeChoice) => {
      const { serveRuns } = await import("../serve/serve-runs.js");
      const { isLoopback } = await import("../serve/hosts.js");
      using interruption = new Interruption({ onStop: () => {}, onLeave: () => {} });
      const { signal } = interruption;
      const server = await serveRuns({ folder, ...choice, signal, onError: console.error });
      console.log(server.address);
      if (!isLoopback(choice.host)) console.error(warning(choice.host));
      console.error("Ctrl-C ends it");
      await server.closed;
    });
}

function port(text: string): number {
  const value = wholeNumber(0)(text);
  if (value > 65_535) throw new InvalidArgumentError("expected a whole number of at most 65535");
  return value;
}

function warning(host: string): string {
  return `${pc.yellow("warning:")} whoever reaches ${host} over the network can read configurations, paths and pictures of all these runs`;
}
