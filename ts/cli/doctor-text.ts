/** What `udi-native doctor` says, in words. */
import pc from "picocolors";
import type { CudaDevice, DeviceKernels, Diagnosis, Problem } from "../native/doctor.js";
import { describeRejection } from "../native/libtorch.js";

/** The diagnosis as lines for a reader. */
export function describe(diagnosis: Diagnosis): string {
  const { machine, threads } = diagnosis;
  const rows: [string, string][] = [
    ["udi-native", diagnosis.version],
    ["Node", diagnosis.node],
    ["addon", diagnosis.addon ?? "none"],
    ["libtorch", describeLibtorch(diagnosis)],
    ...diagnosis.passedOver.map((rejection): [string, string] => [
      "passed over",
      describeRejection(rejection),
    ]),
    ["CPU", `${threads.cores} cores, bf16: ${yes(machine?.bf16)}, AVX-512: ${yes(machine?.avx512)}`],
    ["NVIDIA driver", yes(diagnosis.nvidiaDriver)],
    ...(machine?.cudaDevices ?? []).map((device) => describeDevice(device, diagnosis.cudaKernels)),
    ["sharp", `${diagnosis.sharp.version} (libvips ${diagnosis.sharp.vips})`],
    ["threads", `libvips ${threads.libvips}, libuv ${threads.libuv}`],
  ];
  const lines = rows.map(([name, value]) => `${name.padEnd(14)} ${value}`);
  return [...lines, "", ...diagnosis.problems.map(describeProblem), verdict(diagnosis)].join("\n");
}

function describeLibtorch({ libtorch }: Diagnosis): string {
  return libtorch === null ? "none" : `${libtorch.version} (${libtorch.source}) ${libtorch.root}`;
}

function describeDevice(device: CudaDevice, kernels: readonly DeviceKernels[]): [string, string] {
  const memory = (device.memoryBytes / 2 ** 30).toFixed(1);
  const own = kernels.find(({ index }) => index === device.index);
  const facts = [
    device.name,
    `${memory} GiB`,
    `compute capability ${device.computeCapability}`,
    `kernels of our own: ${yes(own && own.missing === null)}`,
  ];
  return [`cuda:${device.index}`, facts.join(", ")];
}

function describeProblem({ what, mend, fatal }: Problem): string {
  return `${fatal ? pc.red("missing:") : pc.yellow("remark:")} ${what}\n  mend: ${mend}`;
}

function verdict({ ready }: Diagnosis): string {
  return ready ? pc.green("Training can start.") : pc.red("Training cannot start.");
}

function yes(value: boolean | undefined): string {
  return value === undefined ? "unknown" : value ? "yes" : "no";
}
