/**
 * The link view: a folder that shows torch-sys a libtorch without CUDA. An addon linked against it needs only
 * `libtorch_cpu.so` and `libc10.so`, so that the same addon serves machines with and without a GPU.
 */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { findLibrary, type Libtorch } from "./libtorch-folder.js";

/** In place of the real `libtorch.so`, which would ask the linker for CUDA. */
const LINKER_SCRIPT = "INPUT(-ltorch_cpu -lc10)\n";

/** What `libtorch_cpu.so` needs besides the system's libraries; a CPU build needs no CUDA. */
const NEEDED = ["libgomp", "libcudart.so", "libcupti.so"];

/**
 * Makes the link view in `folder`. Returns false, and leaves it untouched so that cargo keeps what it built, if it
 * shows this libtorch already.
 */
export function writeLinkView(libtorch: Libtorch, folder: string): boolean {
  const links = viewLinks(libtorch);
  if (isCurrent(folder, links)) return false;
  const partial = `${folder}.${process.pid}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(join(partial, "lib"), { recursive: true });
  for (const [name, target] of links) symlinkSync(target, join(partial, name));
  writeFileSync(join(partial, "lib", "libtorch.so"), LINKER_SCRIPT);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(dirname(folder), { recursive: true });
  renameSync(partial, folder);
  return true;
}

/** Links by name in the view. Names are kept: a wheel's `libgomp-<hash>.so.1` is needed under that name. */
function viewLinks(libtorch: Libtorch): Map<string, string> {
  const needed = NEEDED.map((stem) => findLibrary(libtorch, stem)).filter((file) => file !== null);
  const libraries = [join(libtorch.lib, "libtorch_cpu.so"), join(libtorch.lib, "libc10.so"), ...needed];
  return new Map([
    ["include", join(libtorch.root, "include")],
    ...libraries.map((file): [string, string] => [join("lib", basename(file)), file]),
  ]);
}

function isCurrent(folder: string, links: ReadonlyMap<string, string>): boolean {
  const script = join(folder, "lib", "libtorch.so");
  if (!existsSync(script) || readFileSync(script, "utf8") !== LINKER_SCRIPT) return false;
  // All links but `include` lie in lib, beside the script: as many entries as links.
  if (readdirSync(join(folder, "lib")).length !== links.size) return false;
  return [...links].every(([name, target]) => pointsTo(join(folder, name), target));
}

function pointsTo(link: string, target: string): boolean {
  const entry = lstatSync(link, { throwIfNoEntry: false });
  return entry?.isSymbolicLink() === true && readlinkSync(link) === target;
}
