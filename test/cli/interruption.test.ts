import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Interruption } from "../../ts/cli/interruption.js";
import { packageRoot } from "../../ts/native/package-root.js";

const ignore = { onStop: () => {}, onLeave: () => {} };

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s aborts and ends with exit status %i", async (name, status) => {
  using interruption = new Interruption(ignore);
  expect(interruption.exitStatus).toBeNull();
  process.kill(process.pid, name);
  await sleep(50);
  expect(interruption.signal.aborted).toBe(true);
  expect(interruption.exitStatus).toBe(status);
});

test("the same Ctrl-C handed on by npx does not count as a second one", async () => {
  const heard: string[] = [];
  using interruption = new Interruption({
    onStop: () => heard.push("stop"),
    onLeave: () => heard.push("leave"),
  });
  for (let time = 0; time < 2; time++) {
    process.kill(process.pid, "SIGINT");
    await sleep(50);
  }
  expect(interruption.signal.aborted).toBe(true);
  expect(heard).toEqual(["stop"]);
});

test("a second Ctrl-C leaves at once", async () => {
  const module = join(packageRoot, "dist", "cli", "interruption.js");
  const program = `
    const { Interruption } = await import(${JSON.stringify(module)});
    new Interruption({ onStop: () => console.log("stop"), onLeave: () => console.log("leave") });
    setInterval(() => {}, 1000);
    console.log("ready");`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
  let told = "";
  child.stdout.on("data", (chunk) => {
    told += chunk;
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  while (!told.includes("ready") && child.exitCode === null) await sleep(10);
  child.kill("SIGINT");
  await sleep(700);
  expect(child.signalCode).toBeNull();
  child.kill("SIGINT");
  await ended;
  expect(child.signalCode).toBe("SIGINT");
  expect(told).toBe("ready\nstop\nleave\n");
});
