/** The threads that decode and render for an evaluation. */
import { chooseWorkers } from "../config/choices.js";
import { machine, setViewThreads } from "../native/engine.js";

/**
 * Starts them and gives their number. "auto", the default: a frozen pass leaves a CPU's cores to the network no more than
 * training does.
 */
export async function viewWorkers(workers: number | "auto" | undefined, device: string): Promise<number> {
  const count = typeof workers === "number" ? workers : await chosen(device);
  setViewThreads(count);
  return count;
}

async function chosen(device: string): Promise<number> {
  const { cores } = await machine();
  return chooseWorkers(device === "cpu" ? "cpu" : "cuda", cores)[0];
}
