import { lstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { inspectFolder, type Libtorch } from "../../ts/native/libtorch-folder.js";
import { writeLinkView } from "../../ts/native/link-view.js";
import { fakeWheels, put, temporaryFolder } from "./fake-libtorch.js";

function fakeLibtorch(): Libtorch {
  return inspectFolder(fakeWheels(temporaryFolder()), "cache") as Libtorch;
}

test("the view shows the headers and the libraries of a CPU under their own names", () => {
  const libtorch = fakeLibtorch();
  const view = join(temporaryFolder(), "target", "link-view");
  writeLinkView(libtorch, view);
  expect(readlinkSync(join(view, "include"))).toBe(join(libtorch.root, "include"));
  for (const name of ["libtorch_cpu.so", "libc10.so", "libgomp-a34b3233.so.1", "libcudart.so.13"]) {
    expect(statSync(join(view, "lib", name)).isFile()).toBe(true);
  }
  expect(readFileSync(join(view, "lib", "libtorch.so"), "utf8")).toBe("INPUT(-ltorch_cpu -lc10)\n");
  expect(lstatSync(join(view, "lib", "libtorch_cuda.so"), { throwIfNoEntry: false })).toBeUndefined();
});

test("a view of the same libtorch is left untouched", () => {
  const libtorch = fakeLibtorch();
  const view = join(temporaryFolder(), "link-view");
  expect(writeLinkView(libtorch, view)).toBe(true);
  const made = statSync(view).ino;
  expect(writeLinkView(libtorch, view)).toBe(false);
  expect(statSync(view).ino).toBe(made);
});

test("a view of another libtorch is replaced whole", () => {
  const view = join(temporaryFolder(), "link-view");
  writeLinkView(fakeLibtorch(), view);
  put(join(view, "lib", "left-over.so"));
  const other = fakeLibtorch();
  expect(writeLinkView(other, view)).toBe(true);
  expect(readlinkSync(join(view, "lib", "libc10.so"))).toBe(join(other.lib, "libc10.so"));
  expect(lstatSync(join(view, "lib", "left-over.so"), { throwIfNoEntry: false })).toBeUndefined();
});
