/** A machine and data to resolve configurations for. */
import type { RunFacts } from "../../ts/config/resolved.js";

/** A 2-core machine without GPU, and a folder of 2000 images without labels. */
export const CPU_MACHINE: RunFacts = {
  samples: 2000,
  dataKind: "flat-folder",
  labelled: false,
  cores: 2,
  cudaDevices: 0,
  cudaBf16: false,
  cpuBf16: true,
};

export const GPU_MACHINE: RunFacts = { ...CPU_MACHINE, cores: 16, cudaDevices: 2, cudaBf16: true };
