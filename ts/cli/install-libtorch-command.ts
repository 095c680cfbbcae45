/** `udi-native install-libtorch`: options only; what they start is loaded when they are right. */
import { Command, Option } from "commander";

export interface InstallChoice {
  readonly cuda?: true;
  readonly cpu?: true;
}

export function installLibtorchCommand(): Command {
  return new Command("install-libtorch")
    .description("fetch libtorch into the cache folder through pip")
    .option("--cuda", "with all that a GPU needs (default where there is an NVIDIA driver)")
    .addOption(new Option("--cpu", "without it, also in later installations").conflicts("cuda"))
    .action(async (choice: InstallChoice) => {
      const { installLibtorch } = await import("./install-libtorch.js");
      await installLibtorch(choice);
    });
}
