/** `udi-native doctor`: what was found and where, and the mend of anything that is wrong. */
import { Command } from "commander";

/** Exit status 0 only if training can start. */
export function doctorCommand(): Command {
  return new Command("doctor")
    .description("say what was found on this machine, and how to mend what is missing")
    .option("--json", "print one JSON object")
    .action(async ({ json }: { json?: true }) => {
      const { examine } = await import("../native/doctor.js");
      const { describe } = await import("./doctor-text.js");
      const diagnosis = await examine();
      console.log(json ? JSON.stringify(diagnosis, null, 2) : describe(diagnosis));
      process.exitCode = diagnosis.ready ? 0 : 2;
    });
}
