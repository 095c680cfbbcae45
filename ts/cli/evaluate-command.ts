/** `udi-native evaluate`: one command for each protocol. */
import { Command } from "commander";
import { evaluateKnnCommand } from "./evaluate-knn-command.js";
import { evaluateLinearCommand } from "./evaluate-linear-command.js";

export function evaluateCommand(): Command {
  return new Command("evaluate")
    .description("measure what a network has learned, on labelled images")
    .addCommand(evaluateKnnCommand())
    .addCommand(evaluateLinearCommand());
}
