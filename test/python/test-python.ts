/** The Python of the tests that load exported weights with the real libraries; `test/python/set-up` makes it. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** `UDI_TEST_PYTHON`, or the interpreter that `set-up` has made for these requirements; null: there is none. */
export const testPython: string | null = process.env.UDI_TEST_PYTHON ?? prepared();

const REASON = "skipped: run test/python/set-up first";

/** Goes into the names of tests that cannot be run without it. */
export const pythonNote: string = testPython === null ? ` [${REASON}]` : "";

// Not every reporter shows the names of skipped tests.
if (testPython === null) console.warn(`tests with Python's libraries are ${REASON}`);

function prepared(): string | null {
  const requirements = readFileSync(join(import.meta.dirname, "requirements.txt"));
  const name = createHash("sha256").update(requirements).digest("hex").slice(0, 12);
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const environment = join(cache, "udi-native", `test-python-${name}`);
  return existsSync(join(environment, "ready")) ? join(environment, "bin", "python") : null;
}

/** Runs a program of this folder to its end, `input` on its stdin; what it prints, parsed. */
export function askProgram<T>(program: string, input: unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    const child = spawn(testPython ?? "", [join(import.meta.dirname, program)], {
      env: { ...process.env, HF_HUB_OFFLINE: "1", TRANSFORMERS_VERBOSITY: "error" },
    });
    const [out, err] = [collected(child.stdout), collected(child.stderr)];
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(JSON.parse(out.text()) as T);
      else reject(new Error(`${program} ended with ${status}: ${err.text().slice(-4000)}`));
    });
    child.stdin.end(JSON.stringify(input));
  });
}

function collected(stream: NodeJS.ReadableStream): { text(): string } {
  const parts: Buffer[] = [];
  stream.on("data", (part: Buffer) => parts.push(part));
  return { text: () => Buffer.concat(parts).toString("utf8") };
}
