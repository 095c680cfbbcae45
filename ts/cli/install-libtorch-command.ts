/** `udi-native install-libtorch`: fetches libtorch into the cache by hand. */
import { Command, Option } from "commander";
import { FETCH_GIGABYTES } from "../install/plan.js";
import { missingRequirements, requireAll } from "../install/requirements.js";
import { declineCuda, fetchLibtorch } from "../native/fetch-libtorch.js";
import { hasNvidiaDriver } from "../native/nvidia-driver.js";
import { pythonWithPip } from "../native/python.js";

interface Choice {
  readonly cuda?: true;
  readonly cpu?: true;
}

export function installLibtorchCommand(): Command {
  return new Command("install-libtorch")
    .description("fetch libtorch into the cache folder through pip")
    .option("--cuda", "with all that a GPU needs (default where there is an NVIDIA driver)")
    .addOption(new Option("--cpu", "without it, also in later installations").conflicts("cuda"))
    .action(install);
}

async function install(choice: Choice): Promise<void> {
  const cuda = choice.cuda ?? (choice.cpu ? false : hasNvidiaDriver());
  const fetchGigabytes = FETCH_GIGABYTES[cuda ? "libtorch and CUDA" : "libtorch"];
  requireAll(missingRequirements({ compile: false, refused: null, fetchGigabytes }));
  const python = pythonWithPip(process.env) as string; // requireAll has made sure of it
  const folder = await fetchLibtorch({ cuda, python, say: (line) => console.log(line) });
  if (choice.cpu) declineCuda();
  console.log(`libtorch ${cuda ? "with" : "without"} CUDA: ${folder}`);
}
