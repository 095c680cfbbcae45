import { chmodSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findLibtorch, libtorchCache, requireLibtorch } from "../../ts/native/libtorch.js";
import { inspectFolder } from "../../ts/native/libtorch-folder.js";
import { fakeWheels, put, temporaryFolder } from "./fake-libtorch.js";

/** An environment that has nothing: no PATH, an empty cache. */
function bare(): NodeJS.ProcessEnv {
  return { PATH: "", XDG_CACHE_HOME: temporaryFolder() };
}

/** An interpreter that answers every question with one line. */
function fakePython(answer: string): string {
  const file = join(temporaryFolder(), "python");
  put(file, `#!/bin/sh\necho '${answer}'\n`);
  chmodSync(file, 0o755);
  return file;
}

test("UDI_LIBTORCH goes before LIBTORCH, LIBTORCH before the cache, the cache before Python", () => {
  const env = bare();
  const sources = ["UDI_LIBTORCH", "LIBTORCH", "cache", "python"].map((source) => {
    const folder = fakeWheels(source === "cache" ? libtorchCache(env) : temporaryFolder());
    return { source, folder };
  });
  const [own, shared, , python] = sources.map(({ folder }) => folder);
  const UDI_PYTHON = fakePython(join(python as string, "torch"));
  const steps: NodeJS.ProcessEnv[] = [
    { ...env, UDI_PYTHON, LIBTORCH: shared, UDI_LIBTORCH: own },
    { ...env, UDI_PYTHON, LIBTORCH: shared },
    { ...env, UDI_PYTHON },
    { ...bare(), UDI_PYTHON },
  ];
  const found = steps.map((step) => findLibtorch({ env: step, preferCuda: false }).found);
  expect(found.map((libtorch) => libtorch?.source)).toEqual(sources.map(({ source }) => source));
  expect(found.map((libtorch) => libtorch?.root)).toEqual(sources.map(({ folder }) => join(folder, "torch")));
});

test("the active environment is asked before python3", () => {
  const folder = fakeWheels(temporaryFolder());
  const VIRTUAL_ENV = temporaryFolder();
  put(join(VIRTUAL_ENV, "bin", "python"), `#!/bin/sh\necho '${join(folder, "torch")}'\n`);
  chmodSync(join(VIRTUAL_ENV, "bin", "python"), 0o755);
  const { found } = findLibtorch({ env: { ...bare(), VIRTUAL_ENV }, preferCuda: false });
  expect(found).toMatchObject({ source: "python", root: join(folder, "torch") });
});

test("another version is passed over and named", () => {
  const old = fakeWheels(temporaryFolder(), { version: "2.4.1+cpu" });
  const env = bare();
  fakeWheels(libtorchCache(env));
  const { found, rejected } = findLibtorch({ env: { ...env, LIBTORCH: old }, preferCuda: false });
  expect(found?.source).toBe("cache");
  expect(rejected).toEqual([
    { source: "LIBTORCH", path: old, reason: "expected libtorch 2.11.0, found 2.4.1+cpu" },
  ]);
});

test("a UDI_LIBTORCH that does not fit is refused, though the cache has one that does", () => {
  const env = bare();
  fakeWheels(libtorchCache(env));
  const wrong = { ...env, UDI_LIBTORCH: temporaryFolder() };
  expect(() => requireLibtorch({ env: wrong, preferCuda: false })).toThrow(/UDI_LIBTORCH=.*libtorch_cpu\.so/);
});

test("with a driver, a libtorch that is ready for CUDA goes before one that is not", () => {
  const env = bare();
  fakeWheels(libtorchCache(env));
  const gpu = fakeWheels(temporaryFolder(), { cuda: true });
  const both = { ...env, UDI_PYTHON: fakePython(join(gpu, "torch")) };
  expect(findLibtorch({ env: both, preferCuda: true }).found).toMatchObject({
    source: "python",
    cudaReady: true,
  });
  expect(findLibtorch({ env: both, preferCuda: false }).found?.source).toBe("cache");
  expect(findLibtorch({ env, preferCuda: true }).found).toMatchObject({ source: "cache", cudaReady: false });
});

test("the plain distribution names its version in build-version", () => {
  const folder = temporaryFolder();
  for (const file of ["lib/libtorch_cpu.so", "include/torch/torch.h"]) put(join(folder, file));
  put(join(folder, "build-version"), "2.11.0+cpu\n");
  expect(inspectFolder(folder, "LIBTORCH")).toMatchObject({ version: "2.11.0+cpu", cudaFolders: [] });
});

test("where there is none the error says how to fetch it", () => {
  expect(() => requireLibtorch({ env: bare(), preferCuda: false })).toThrow(
    expect.objectContaining({ code: "UDI_INSTALL", hint: "npx udi-native install-libtorch" }),
  );
});
