/** However a process ends, neither an engine nor the renderer crashes or holds it. Needs the built package (`npm run build`). */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SCRIPT = fileURLToPath(new URL("exit-scenario.mjs", import.meta.url));

function run(scenario: string) {
  const done = spawnSync(process.execPath, ["--expose-gc", SCRIPT, scenario], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status: done.status, signal: done.signal, stdout: done.stdout.trim() };
}

test.each([
  ["left open", 0, ""],
  ["exit while it computes", 3, ""],
  ["exit while it opens", 4, ""],
  ["exit while it renders", 6, ""],
  ["uncaught while it computes", 1, ""],
  ["forgotten while it computes", 5, ""],
  ["pending work keeps the process", 0, "step 1"],
  ["a worker is ended while it computes", 0, "step 1"],
])("%s", (scenario, status, stdout) => {
  expect(run(scenario)).toEqual({ status, signal: null, stdout });
});
