/** The compiled command line, as a user starts it. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { packageRoot } from "../../ts/native/package-root.js";

export interface Ended {
  /** Exit status; null where a signal ended it. */
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Command {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves as soon as stderr holds the text, rejects if the command ends without. */
  told(text: string): Promise<void>;
}

/** The file that `udi-native` runs. */
export const main = join(packageRoot, "dist", "cli", "start.cjs");

export function start(...args: readonly string[]): Command {
  return startNode(main, ...args);
}

/** Node itself, with arguments of its own. */
export function startNode(...args: readonly string[]): Command {
  const child = spawn(process.execPath, args, { env: { ...process.env, NO_COLOR: "1" } });
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status, signal) =>
      resolve({ status, signal, stdout: out.text(), stderr: err.text() }),
    );
  });
  const told = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => err.text().includes(text) && resolve();
      child.stderr.on("data", look);
      child.on("close", () => reject(new Error(`ended without telling "${text}": ${err.text()}`)));
      look();
    });
  return { child, ended, told };
}

/** Runs to the end. */
export function udiNative(...args: readonly string[]): Promise<Ended> {
  return start(...args).ended;
}

function collect(stream: NodeJS.ReadableStream): { text(): string } {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  return { text: () => text };
}
