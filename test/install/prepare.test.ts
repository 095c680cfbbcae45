import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { packageRoot } from "../../ts/native/package-root.js";
import { temporaryFolder } from "../native/fake-libtorch.js";

function prepare(env: NodeJS.ProcessEnv) {
  const script = join(packageRoot, "dist", "install", "prepare.js");
  return spawnSync(process.execPath, [script], { env, encoding: "utf8" });
}

test("UDI_SKIP_NATIVE=1 says what it leaves out", () => {
  const done = prepare({ PATH: "", UDI_SKIP_NATIVE: "1" });
  expect(done).toMatchObject({ status: 0, stderr: "" });
  expect(done.stdout).toContain("the addon is not built");
});

test("a machine without tools gets one message and exit status 2", () => {
  const done = prepare({ PATH: temporaryFolder(), XDG_CACHE_HOME: temporaryFolder() });
  expect(done.status).toBe(2);
  expect(done.stderr).toMatch(/^error: udi-native cannot be installed yet, [\s\S]*pip[\s\S]*Rust/);
});
