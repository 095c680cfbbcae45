/** Says that a GPU has to do without the engine's own kernels: the run goes on, slower. */
import { type AskForKernels, WITHOUT_KERNELS, withoutCudaKernels } from "../native/cuda-kernels.js";

/** Of a device as the configuration names it: `cuda`, `cuda:1`; a CPU needs none. */
export async function remarkOnKernels(
  device: string,
  onRemark: (line: string) => void,
  ask: AskForKernels = withoutCudaKernels,
): Promise<void> {
  const index = /^cuda(?::(\d+))?$/.exec(device);
  if (index === null) return;
  const reason = await ask(Number(index[1] ?? 0));
  if (reason === null) return;
  onRemark(
    `device: the kernels for ${device} cannot be compiled: ${reason}; ${WITHOUT_KERNELS}; npx udi-native doctor`,
  );
}
