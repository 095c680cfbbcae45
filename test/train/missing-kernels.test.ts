import { expect, test } from "vitest";
import { remarkOnKernels } from "../../ts/train/missing-kernels.js";

/** What is said of a device, and which GPUs were asked. */
async function said(device: string, reason: string | null) {
  const [remarks, asked]: [string[], number[]] = [[], []];
  const ask = async (index: number) => {
    asked.push(index);
    return reason;
  };
  await remarkOnKernels(device, (line) => remarks.push(line), ask);
  return { remarks, asked };
}

test("a GPU without kernels is remarked on once, with the reason, what it costs and the way out", async () => {
  const { remarks, asked } = await said("cuda:1", "NVRTC: invalid value for --gpu-architecture");
  expect(asked).toEqual([1]);
  expect(remarks).toEqual([
    "device: the kernels for cuda:1 cannot be compiled: NVRTC: invalid value for --gpu-architecture; " +
      "training works without them, several times slower; npx udi-native doctor",
  ]);
});

test("nothing is said of a GPU that has them, and a CPU is not asked", async () => {
  expect(await said("cuda", null)).toEqual({ remarks: [], asked: [0] });
  expect(await said("cpu", "not a CUDA device")).toEqual({ remarks: [], asked: [] });
});
