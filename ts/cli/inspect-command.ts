/** `udi-native inspect`: what is in a checkpoint. */
import { Command } from "commander";

const AFTER = `
Takes a run's folder (its newest whole checkpoint), the folder of a checkpoint, a state.safetensors, and files of other
programs: public UDI and DINO training checkpoints, backbones under the names of UDI, DINO and timm, .pth or .safetensors.
`;

export function inspectCommand(): Command {
  return new Command("inspect")
    .description("say what is in a checkpoint: model, parameters, norms, epoch, data, settings")
    .argument("<path>", "a run, a checkpoint or a file of weights")
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER)
    .action(async (path: string, { json }: { json?: true }) => {
      const { inspectCheckpoint } = await import("../weights/inspect.js");
      const { inspectionText } = await import("./inspect-text.js");
      const inspection = await inspectCheckpoint(path);
      console.log(json ? JSON.stringify(inspection) : inspectionText(inspection));
    });
}
