import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { NativeError } from "../../ts/errors.js";
import { cudaDevices } from "../../ts/native/cuda-devices.js";
import { machine } from "../../ts/native/engine.js";
import { put, temporaryFolder } from "./fake-libtorch.js";

test("the machine is what the system says of it", async () => {
  const { cores, bf16, avx512, torchVersion, cudaDevices: devices } = await machine();
  const flags = new Set(/^flags\s*: (.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" "));
  expect(cores).toBe(availableParallelism());
  expect(bf16).toBe(flags.has("avx512_bf16"));
  expect(avx512).toBe(flags.has("avx512f") && flags.has("avx512bw"));
  expect(torchVersion).toMatch(/^2\.11\.0/);
  expect(Array.isArray(devices)).toBe(true);
});

test("a machine without a driver is told so, not crashed", () => {
  expect(() => cudaDevices("libcuda-of-no-machine.so.1")).toThrow(NativeError);
});

/** A driver of two GPUs, as the CUDA driver interface has it. */
const DRIVER = `
#include <string.h>
#include <stddef.h>
static int ready = 0;
int cuInit(unsigned int flags) { ready = 1; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return ready ? 0 : 3; }
int cuDeviceGet(int *device, int ordinal) { *device = 10 + ordinal; return 0; }
int cuDeviceGetName(char *name, int length, int device) { strncpy(name, device == 10 ? "First GPU" : "Second GPU", length); return 0; }
int cuDeviceTotalMem_v2(size_t *bytes, int device) { *bytes = (size_t) 80 * 1000 * 1000 * 1000 + device; return device == FAILS ? 999 : 0; }
int cuDeviceGetAttribute(int *value, int attribute, int device) { *value = attribute == 75 ? device - 1 : attribute == 76 ? 0 : -1; return 0; }
`;

function driver(failing: number): string {
  const folder = temporaryFolder();
  const [source, library] = [join(folder, "driver.c"), join(folder, "libcuda.so.1")];
  put(source, DRIVER);
  const args = ["-shared", "-fPIC", `-DFAILS=${failing}`, "-o", library, source];
  expect(spawnSync("cc", args, { encoding: "utf8" })).toMatchObject({ status: 0 });
  return library;
}

test("GPUs are listed with name, memory and compute capability, in the driver's order", () => {
  expect(cudaDevices(driver(-1))).toEqual([
    { index: 0, name: "First GPU", memoryBytes: 80_000_000_010, computeCapability: "9.0" },
    { index: 1, name: "Second GPU", memoryBytes: 80_000_000_011, computeCapability: "10.0" },
  ]);
});

test("a driver that fails is an error that names the call", () => {
  expect(() => cudaDevices(driver(11))).toThrow(
    "the CUDA driver failed: cuDeviceTotalMem_v2 returned error 999",
  );
});
