import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { type Download, downloadWheels, unpackWheels } from "../../ts/native/wheels.js";
import { put, temporaryFolder } from "./fake-libtorch.js";

function download(folder: string, requirements: readonly string[]): Download {
  const env = { ...process.env, PIP_NO_INDEX: "1", PIP_FIND_LINKS: folder, PIP_RETRIES: "0" };
  return { python: "python3", env, requirements, dependencies: false, folder };
}

/** A wheel: a zip with these files. */
function writeWheel(file: string, names: readonly string[]): void {
  const program =
    "import sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n  [z.writestr(n, n) for n in sys.argv[2:]]";
  expect(spawnSync("python3", ["-c", program, file, ...names]).status).toBe(0);
}

test("libraries, headers, version and metadata are unpacked, and nothing else", async () => {
  const folder = temporaryFolder();
  const wheel = join(folder, "torch-2.11.0-py3-none-any.whl");
  const kept = ["torch/lib/libc10.so", "torch/include/torch/torch.h", "torch/version.py"];
  const more = ["torch-2.11.0.dist-info/METADATA", "nvidia/cu13/lib/libcudart.so.13"];
  const dropped = [
    "torch/nn/functional.py",
    "nvidia/cu13/lib/libcudart_static.a",
    "nvidia/cu13/include/cuda.h",
  ];
  writeWheel(wheel, [...kept, ...more, ...dropped]);
  const whole = join(folder, "whole");
  await unpackWheels(download(folder, []), [wheel], whole);
  for (const name of [...kept, ...more]) expect(readFileSync(join(whole, name), "utf8")).toBe(name);
  for (const name of dropped) expect(existsSync(join(whole, name))).toBe(false);
});

test("what pip says when it finds nothing reaches the error", async () => {
  const folder = temporaryFolder();
  const fetching = downloadWheels(download(folder, ["udi-native-no-such-wheel==1.0"]), () => {});
  await expect(fetching).rejects.toThrow(/python3 said: [\s\S]*udi-native-no-such-wheel/);
});

test("a damaged wheel is an error, not half a libtorch", async () => {
  const folder = temporaryFolder();
  put(join(folder, "torch.whl"), "not a zip");
  const unpacking = unpackWheels(download(folder, []), [join(folder, "torch.whl")], join(folder, "whole"));
  await expect(unpacking).rejects.toThrow(/not a zip file/i);
});
