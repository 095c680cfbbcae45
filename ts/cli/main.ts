#!/usr/bin/env node
/**
 * The command udi-native. The line above is for links that npx made to this file when it was the package's bin: without it a
 * shell would run the rest.
 */
import { Command, CommanderError } from "commander";
import { packageVersion } from "../native/package-root.js";
import { attentionCommand } from "./attention-command.js";
import { averageCommand } from "./average-command.js";
import { benchCommand } from "./bench-command.js";
import { dataCommand } from "./data-command.js";
import { doctorCommand } from "./doctor-command.js";
import { embedCommand } from "./embed-command.js";
import { evaluateCommand } from "./evaluate-command.js";
import { exportCommand } from "./export-command.js";
import { importCommand } from "./import-command.js";
import { inspectCommand } from "./inspect-command.js";
import { installLibtorchCommand } from "./install-libtorch-command.js";
import { outliveReaders } from "./lost-readers.js";
import { previewCommand } from "./preview-command.js";
import { reportCommand } from "./report-command.js";
import { reportError } from "./report-error.js";
import { runsCommand } from "./runs-command.js";
import { serveCommand } from "./serve-command.js";
import { trainCommand } from "./train-command.js";
import { verifyCommand } from "./verify-command.js";

outliveReaders([process.stdout, process.stderr]);

const program = new Command("udi-native")
  .description("Self-supervised pretraining of Vision Transformers with UDI")
  .version(packageVersion());

const commands = [
  trainCommand(),
  previewCommand(),
  dataCommand(),
  runsCommand(),
  reportCommand(),
  serveCommand(),
  evaluateCommand(),
  embedCommand(),
  attentionCommand(),
  importCommand(),
  inspectCommand(),
  exportCommand(),
  averageCommand(),
  verifyCommand(),
  benchCommand(),
  doctorCommand(),
  installLibtorchCommand(),
];
for (const command of commands) program.addCommand(command);
throwInsteadOfExit(program);

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = error instanceof CommanderError ? usageStatus(error) : printed(error);
}

/** Commander ends the process where a use is wrong, with a status of its own; each command is told on its own not to. */
function throwInsteadOfExit(command: Command): void {
  command.exitOverride();
  command.commands.forEach(throwInsteadOfExit);
}

/** Commander has printed its message already; help and version are no errors. */
function usageStatus(error: CommanderError): number {
  return error.exitCode === 0 ? 0 : 2;
}

function printed(error: unknown): number {
  const { text, exitCode } = reportError(error);
  console.error(text);
  return exitCode;
}
