/** Downloads wheels with pip and unpacks the parts of them that a running libtorch needs. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { InstallError } from "../errors.js";

/** Called with one line of progress. */
export type Say = (line: string) => void;

/**
 * The wheels are for the Python named here, whatever runs pip: of a wheel only libraries and headers are used, and
 * a machine's own Python may be too old or too new for torch to have one.
 */
const PIP_DOWNLOAD = [
  "-m",
  "pip",
  "download",
  "--no-cache-dir",
  "--only-binary",
  ":all:",
  "--python-version",
  "3.12",
];

/** Python and not a library of ours, because pip is needed to get wheels at all. */
const UNPACK = `
import os, sys, zipfile
def kept(name):
    if name.startswith('nvidia/'):
        return '/lib/' in name and not name.endswith('.a')
    return name.startswith(('torch/lib/', 'torch/include/')) or name == 'torch/version.py' or name.endswith('/METADATA')
for wheel in sys.argv[2:]:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(sys.argv[1], [name for name in archive.namelist() if kept(name)])
os.sync()
`;

export interface Download {
  readonly python: string;
  readonly env: NodeJS.ProcessEnv;
  /** Requirements as pip reads them. */
  readonly requirements: readonly string[];
  /** Whether pip also downloads what the requirements need. */
  readonly dependencies: boolean;
  /** An empty or missing folder: the wheels go in, and pip's temporary files beside them meanwhile. */
  readonly folder: string;
}

/** Returns the wheels' paths. Throws InstallError with pip's last words. */
export async function downloadWheels(download: Download, say: Say): Promise<string[]> {
  const { folder, dependencies, requirements } = download;
  const temporary = join(folder, "tmp");
  mkdirSync(temporary, { recursive: true });
  const depth = dependencies ? [] : ["--no-deps"];
  const args = [...PIP_DOWNLOAD, ...depth, "--progress-bar", "off", "--dest", folder, ...requirements];
  // pip copies to the destination when all has come: counting both would count twice.
  const timer = setInterval(() => say(`  ${megabytes(temporary)} MB`), 5000);
  try {
    await run(download.python, args, { ...download.env, TMPDIR: temporary });
  } finally {
    clearInterval(timer);
  }
  const wheels = readdirSync(folder).filter((name) => name.endsWith(".whl"));
  say(`  ${wheels.length} wheels, ${megabytes(folder)} MB`);
  return wheels.map((name) => join(folder, name));
}

/** Unpacks libraries, headers, version and metadata of the wheels into `folder`, on the disk when it resolves. */
export async function unpackWheels(
  download: Download,
  wheels: readonly string[],
  folder: string,
): Promise<void> {
  await run(download.python, ["-c", UNPACK, folder, ...wheels], download.env);
}

function megabytes(folder: string): number {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const bytes = files.map((file) => statSync(join(folder, file), { throwIfNoEntry: false })?.size ?? 0);
  return Math.round(bytes.reduce((sum, size) => sum + size, 0) / 1e6);
}

function run(python: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, { env, stdio: ["ignore", "ignore", "pipe"] });
    let words = "";
    child.stderr.on("data", (chunk) => {
      words = `${words}${chunk}`.slice(-2000);
    });
    child.on("error", (cause) => reject(failure(python, cause.message)));
    child.on("close", (status) => (status === 0 ? resolve() : reject(failure(python, words.trim()))));
  });
}

function failure(python: string, words: string): InstallError {
  return new InstallError(`libtorch could not be fetched: ${basename(python)} said: ${words}`, {
    hint: "check that pip reaches its package index, or set UDI_LIBTORCH to the folder of a libtorch 2.11.0",
  });
}
