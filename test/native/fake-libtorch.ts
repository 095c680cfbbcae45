/** Folders laid out like the distributions of libtorch, with empty files for libraries. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** A new folder, removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "udi-native-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes `torch` and `nvidia` into `folder`, as wheels lay them out, and returns `folder`. */
export function fakeWheels(folder: string, options: { version?: string; cuda?: boolean } = {}): string {
  const torch = ["libtorch_cpu.so", "libc10.so", "libgomp-a34b3233.so.1", "libtorch_cuda.so"];
  const small = ["libcudart.so.13", "libcupti.so.13"];
  const large = ["cublas", "cudnn", "cufft", "curand", "cusolver", "cusparse"].map(
    (name) => `lib${name}.so.12`,
  );
  for (const name of torch) put(join(folder, "torch", "lib", name));
  for (const name of options.cuda ? [...small, ...large] : small)
    put(join(folder, "nvidia", "cu13", "lib", name));
  put(join(folder, "torch", "include", "torch", "torch.h"));
  put(join(folder, "torch", "version.py"), `__version__ = '${options.version ?? "2.11.0+cu130"}'\n`);
  return folder;
}

/** Writes a file with the folders above it. */
export function put(file: string, text = ""): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
