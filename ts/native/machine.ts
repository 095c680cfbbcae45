/** What the machine offers to the engine. */
import { availableParallelism } from "node:os";
import { type CudaDevice, cudaDevices } from "./cuda-devices.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import { openLibtorch } from "./open-libtorch.js";

export type { CudaDevice } from "./cuda-devices.js";

export interface Machine {
  /** GPUs that libtorch can use, in its order; none where CUDA is not open. */
  readonly cudaDevices: readonly CudaDevice[];
  /** CPU threads that this process may use at once. */
  readonly cores: number;
  /** Whether the CPU multiplies bfloat16 itself (AVX512-BF16). */
  readonly bf16: boolean;
  readonly avx512: boolean;
  /** As libtorch names itself, for example `2.11.0+cu130`. */
  readonly torchVersion: string;
}

/** Opens libtorch and the addon, and looks at CPU and GPUs. A machine without a GPU has none; that is no failure. */
export async function machine(): Promise<Machine> {
  const { libtorch } = openLibtorch();
  const processors = await delegate(() => engineAddon().processors());
  return {
    cudaDevices: processors.cudaDevices === 0 ? [] : cudaDevices().slice(0, processors.cudaDevices),
    cores: availableParallelism(),
    bf16: processors.bf16,
    avx512: processors.avx512,
    torchVersion: libtorch.version,
  };
}
