import { spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Interruption } from "../../ts/cli/interruption.js";
import { packageRoot } from "../../ts/native/package-root.js";

const module = join(packageRoot, "dist", "cli", "interruption.js");
const IMPORT = `const { Interruption } = await import(${JSON.stringify(module)});`;
const ignore = { onStop: () => {}, onLeave: () => {} };

test.each([
  ["SIGINT", 130, null],
  ["SIGTERM", 0, "SIGTERM"],
  ["SIGUSR1", 0, "SIGUSR1"],
] as const)("%s aborts and ends with exit status %i", async (name, status, requeue) => {
  using interruption = new Interruption(ignore);
  expect([interruption.exitStatus, interruption.requeue]).toEqual([null, null]);
  process.kill(process.pid, name);
  await sleep(50);
  expect(interruption.signal.aborted).toBe(true);
  expect([interruption.exitStatus, interruption.requeue]).toEqual([status, requeue]);
});

test("after SIGHUP the process ends by it, when all is done", async () => {
  const program = `
    ${IMPORT}
    new Interruption({ onStop: () => setTimeout(() => (console.log("done"), process.exit(1)), 100), onLeave: () => {} });
    console.log("ready");
    setInterval(() => {}, 1000);`;
  const { child, told, ended } = startProgram(program);
  while (!told().includes("ready") && child.exitCode === null) await sleep(10);
  child.kill("SIGHUP");
  await ended;
  expect([child.signalCode, told()]).toEqual(["SIGHUP", "ready\ndone\n"]);
});

test("a batch system that signals again does not cost the checkpoint", async () => {
  const heard: string[] = [];
  using interruption = new Interruption({
    onStop: () => heard.push("stop"),
    onLeave: () => heard.push("leave"),
  });
  process.kill(process.pid, "SIGUSR1");
  await sleep(600);
  process.kill(process.pid, "SIGTERM");
  await sleep(50);
  expect([heard, interruption.requeue]).toEqual([["stop"], "SIGUSR1"]);
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
  const program = `
    ${IMPORT}
    new Interruption({ onStop: () => console.log("stop"), onLeave: () => console.log("leave") });
    setInterval(() => {}, 1000);
    console.log("ready");`;
  const { child, told, ended } = startProgram(program);
  while (!told().includes("ready") && child.exitCode === null) await sleep(10);
  child.kill("SIGINT");
  await sleep(700);
  expect(child.signalCode).toBeNull();
  child.kill("SIGINT");
  await ended;
  expect(child.signalCode).toBe("SIGINT");
  expect(told()).toBe("ready\nstop\nleave\n");
});

function startProgram(program: string) {
  const child = spawn(process.execPath, ["--input-type=module", "-e", program]);
  let text = "";
  child.stdout.on("data", (chunk) => {
    text += chunk;
  });
  const ended = new Promise((resolve) => child.on("close", resolve));
  return { child, told: () => text, ended };
}
