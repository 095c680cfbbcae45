/** Fetches libtorch into the cache by hand. */
import { FETCH_GIGABYTES } from "../install/plan.js";
import { missingRequirements, requireAll } from "../install/requirements.js";
import { declineCuda, fetchLibtorch } from "../native/fetch-libtorch.js";
import { hasNvidiaDriver } from "../native/nvidia-driver.js";
import { pythonWithPip } from "../native/python.js";
import type { InstallChoice } from "./install-libtorch-command.js";

/** Throws InstallError with everything that is missing before anything is fetched. */
export async function installLibtorch(choice: InstallChoice): Promise<void> {
  const cuda = choice.cuda ?? (choice.cpu ? false : hasNvidiaDriver());
  const fetchGigabytes = FETCH_GIGABYTES[cuda ? "libtorch and CUDA" : "libtorch"];
  requireAll(missingRequirements({ compile: false, refused: null, fetchGigabytes }));
  const python = pythonWithPip(process.env) as string; // requireAll has made sure of it
  const folder = await fetchLibtorch({ cuda, python, say: (line) => console.log(line) });
  if (choice.cpu) declineCuda();
  console.log(`libtorch ${cuda ? "with" : "without"} CUDA: ${folder}`);
}
