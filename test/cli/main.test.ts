import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Diagnosis } from "../../ts/native/doctor.js";
import { packageRoot, packageVersion } from "../../ts/native/package-root.js";

function udiNative(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const main = join(packageRoot, "dist", "cli", "start.cjs");
  return spawnSync(process.execPath, [main, ...args], { env: { ...process.env, ...env }, encoding: "utf8" });
}

test("--version is the version of the package", () => {
  expect(udiNative(["--version"])).toMatchObject({ status: 0, stdout: `${packageVersion()}\n` });
});

test("help names every command", () => {
  const { status, stdout } = udiNative(["--help"]);
  expect(status).toBe(0);
  const commands = ["train", "preview", "data", "bench", "doctor", "install-libtorch"];
  for (const command of commands) expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
});

test.each([["no-such-command"], ["doctor --no-such-option"], ["install-libtorch --cpu --cuda"]])(
  "%s is a wrong use and exits 2",
  (line) => {
    const { status, stderr } = udiNative(line.split(" "));
    expect(status).toBe(2);
    expect(stderr).toMatch(/^error: /);
  },
);

test("files are read by more threads than libuv's own four, or by as many as the environment says", () => {
  const libuvThreads = (env: NodeJS.ProcessEnv) =>
    (JSON.parse(udiNative(["doctor", "--json"], env).stdout) as Diagnosis).threads.libuv;
  expect(libuvThreads({ UV_THREADPOOL_SIZE: undefined })).toBe(32);
  expect(libuvThreads({ UV_THREADPOOL_SIZE: "7" })).toBe(7);
});

test("doctor --json says that this machine can train, and what was found", () => {
  const { status, stdout } = udiNative(["doctor", "--json"]);
  const diagnosis = JSON.parse(stdout) as Diagnosis;
  expect(diagnosis.problems.filter(({ fatal }) => fatal)).toEqual([]);
  expect(status).toBe(0);
  expect(diagnosis).toMatchObject({ ready: true, version: packageVersion() });
  expect(diagnosis.libtorch?.version).toMatch(/^2\.11\.0/);
  expect(diagnosis.machine?.cores).toBeGreaterThan(0);
});

test("doctor names a libtorch that does not fit, with its mend, and exits 2", () => {
  const { status, stdout } = udiNative(["doctor"], { UDI_LIBTORCH: "/", NO_COLOR: "1" });
  expect(status).toBe(2);
  expect(stdout).toMatch(/UDI_LIBTORCH=\/: expected lib\/libtorch_cpu\.so[\s\S]*mend: unset UDI_LIBTORCH/);
  expect(stdout).toContain("Training cannot start.");
});
