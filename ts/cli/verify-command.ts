/** `udi-native verify`: whether a run or a checkpoint is whole. */
import { Command } from "commander";

const AFTER = `
Of a run all checkpoints are looked at: record, checksum, finite values, and whether an engine gives back the same bytes;
then configuration and logs. Nothing is changed. Exit status: 0 sound, 1 something is damaged, 2 no run or checkpoint.
`;

export function verifyCommand(): Command {
  return new Command("verify")
    .description("check that a run or a checkpoint is whole")
    .argument("<path>", "the folder of a run or of a checkpoint")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER)
    .action(async (path: string, { json }: { json?: true }) => {
      const { runVerify } = await import("./verify.js");
      await runVerify(path, json === true ? "json" : "text");
    });
}
