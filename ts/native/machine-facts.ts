/** What configuration wants to know of the machine. */
import type { RunFacts } from "../config/resolved.js";
import type { Machine } from "./engine.js";

/** The first generation of NVIDIA GPUs that computes in bf16: compute capability 8.0. */
const BF16_GENERATION = 8;

export type MachineFacts = Pick<RunFacts, "cores" | "cudaDevices" | "cudaBf16" | "cpuBf16">;

export function machineFacts({ cores, bf16, cudaDevices }: Machine): MachineFacts {
  return {
    cores,
    cudaDevices: cudaDevices.length,
    cudaBf16: cudaDevices.every(
      ({ computeCapability }) => Number.parseInt(computeCapability, 10) >= BF16_GENERATION,
    ),
    cpuBf16: bf16,
  };
}
