import { expect, test } from "vitest";
import { describe as described } from "../../ts/cli/doctor-text.js";
import { type Diagnosis, examine } from "../../ts/native/doctor.js";
import { machine } from "../../ts/native/engine.js";

test("each CUDA device is told of with memory, generation and whether it has kernels", async () => {
  const cudaDevices = [0, 1].map((index) => ({
    index,
    name: `GPU ${index}`,
    memoryBytes: 80 * 2 ** 30,
    computeCapability: "9.0",
  }));
  const diagnosis: Diagnosis = {
    ...(await examine()),
    machine: { ...(await machine()), cudaDevices },
    cudaKernels: [
      { index: 0, missing: null },
      { index: 1, missing: "no NVRTC" },
    ],
  };
  const lines = described(diagnosis).split("\n");
  const device = (index: number) => lines.find((line) => line.startsWith(`cuda:${index} `));
  expect(device(0)).toMatch(/GPU 0, 80\.0 GiB, compute capability 9\.0, kernels of our own: yes$/);
  expect(device(1)).toMatch(/GPU 1, .*, kernels of our own: no$/);
});
