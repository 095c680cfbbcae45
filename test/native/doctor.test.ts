import { expect, test } from "vitest";
import { withoutCudaKernels } from "../../ts/native/cuda-kernels.js";
import { compiledKernels, examine, kernelProblems } from "../../ts/native/doctor.js";
import { machine } from "../../ts/native/engine.js";

const REASON = "NVRTC: libcaffe2_nvrtc.so: cannot open shared object file";

const DEVICES = [{ index: 0 }, { index: 1 }];

/** Of two GPUs, the second has none. */
const ask = async (device: number) => (device === 1 ? REASON : null);

test("every CUDA device is asked for kernels; one without is a remark with the mend, not fatal", async () => {
  const kernels = await compiledKernels(DEVICES, ask);
  expect(kernels).toEqual([
    { index: 0, missing: null },
    { index: 1, missing: REASON },
  ]);
  expect(kernelProblems(kernels)).toEqual([
    {
      what: `cuda:1: kernels cannot be compiled for it: ${REASON}`,
      mend: expect.stringMatching(/^npx udi-native install-libtorch --cuda .*; .*several times slower$/),
      fatal: false,
    },
  ]);
});

test("a question that fails is a reason too", async () => {
  const failing = () => Promise.reject(new Error("the device is lost"));
  expect(await compiledKernels([{ index: 0 }], failing)).toEqual([
    { index: 0, missing: "Error: the device is lost" },
  ]);
});

test("this machine's devices are examined for kernels, and a device that is not there has none", async () => {
  const { cudaDevices } = await machine();
  const { cudaKernels } = await examine();
  expect(cudaKernels.map(({ index }) => index)).toEqual(cudaDevices.map(({ index }) => index));
  expect(await withoutCudaKernels(cudaDevices.length)).toMatch(/\S/);
});
