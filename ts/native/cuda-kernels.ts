/** The engine's own CUDA kernels, which are compiled for the device at run time. */
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import { openLibtorch } from "./open-libtorch.js";

/** What it costs to do without them. */
export const WITHOUT_KERNELS = "training works without them, several times slower";

/** Asks whether kernels can be compiled for the CUDA device of this index: null, or why not. */
export type AskForKernels = (device: number) => Promise<string | null>;

export const withoutCudaKernels: AskForKernels = async (device) => {
  openLibtorch();
  return (await delegate(() => engineAddon().withoutCudaKernels(device))) ?? null;
};
