import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { StorageError } from "../../ts/errors.js";
import { enterRun } from "../../ts/run/enter-run.js";
import { JsonLines } from "../../ts/run/json-lines.js";
import { openRun, type Run } from "../../ts/run/run.js";
import { dataset, environment, exampleConfig, progressAt, saveText, stepAt } from "./example-run.js";
import { noSmallDisk, smallDisk } from "./small-disk.js";
import { temporaryFolder } from "./temporary-folder.js";

const STATE_BYTES = 100_000;
const PAGE = 4096;

/** Saves states that take room. */
const engine = { save: (file: string) => saveText(file, "x".repeat(STATE_BYTES)) };

async function startRun(folder: string, remarks: string[], ...set: string[]): Promise<Run> {
  const onRemark = (line: string) => remarks.push(line);
  const config = exampleConfig(folder, ...set);
  return openRun(await enterRun({ config, dataset, mode: "start", onRemark }), environment);
}

function steps(folder: string): number[] {
  const lines = readFileSync(join(folder, "metrics.jsonl"), "utf8").trimEnd().split("\n");
  return lines.map((line) => (JSON.parse(line) as { step: number }).step);
}

function checkpoints(folder: string): string[] {
  return readdirSync(join(folder, "checkpoints")).sort();
}

describe.skipIf(noSmallDisk !== null)(`on a disk that is full (${noSmallDisk ?? "a tmpfs"})`, () => {
  test("a log keeps its lines, tears none, and writes them when there is room", async () => {
    using disk = smallDisk(64 * PAGE);
    const file = join(disk.folder, "metrics.jsonl");
    await using log = await JsonLines.open<{ step: number; text: string }>(file);
    await log.append({ step: 1, text: "" });
    disk.fill(0);
    const long = "y".repeat(3 * PAGE);
    await expect(log.append({ step: 2, text: long })).rejects.toThrow("ENOSPC");
    await expect(log.append({ step: 3, text: "" })).rejects.toThrow("ENOSPC");
    expect(readFileSync(file, "utf8")).toBe('{"step":1,"text":""}\n');
    disk.empty();
    await log.append({ step: 4, text: "" });
    const lines = readFileSync(file, "utf8").trimEnd().split("\n");
    expect(lines.map((line) => JSON.parse(line).step)).toEqual([1, 2, 3, 4]);
    expect(JSON.parse(lines[1] as string).text).toBe(long);
  });

  test("a run goes on with a remark, keeps its last good checkpoint, and catches up later", async () => {
    using disk = smallDisk(1 << 20);
    const remarks: string[] = [];
    await using run = await startRun(join(disk.folder, "run"), remarks);
    await run.logStep(stepAt(1), []);
    await run.save(engine, progressAt(1));
    await run.settled();
    disk.fill(0);
    for (let step = 2; step <= 40; step++) await run.logStep(stepAt(step), []);
    await run.save(engine, progressAt(40));
    await run.settled();
    expect(run.newestCheckpoint).toBe(join(run.folder, "checkpoints", "1"));
    expect(checkpoints(run.folder)).toEqual(["1"]);
    expect(remarks).toEqual([
      expect.stringMatching(/ENOSPC.*: log lines are kept and written later$/),
      expect.stringMatching(
        /^the checkpoint of step 40 cannot be written and the run goes on; the last good one is .*checkpoints\/1: ENOSPC/,
      ),
    ]);
    disk.empty();
    await run.logStep(stepAt(41), []);
    await run.complete(engine, progressAt(41));
    expect(remarks[2]).toBe("the logs are written again, with all lines of the meantime");
    expect(steps(run.folder)).toEqual(Array.from({ length: 41 }, (_, index) => index + 1));
    expect(checkpoints(run.folder)).toEqual(["1", "41"]);
  });

  test("the last checkpoint that cannot be written is an error that says how much room there is", async () => {
    using disk = smallDisk(1 << 20);
    await using run = await startRun(join(disk.folder, "run"), []);
    await run.complete(engine, progressAt(3));
    disk.fill(2 * PAGE);
    const error = await run.complete(engine, progressAt(6)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(StorageError);
    expect(error).toMatchObject({
      exitCode: 1,
      message: expect.stringMatching(/^step 6: expected to leave a checkpoint in .*ENOSPC/),
      hint: expect.stringMatching(/^make room on the disk of .*, where 8\.19 kB are free, .*--resume/),
    });
    expect(checkpoints(run.folder)).toEqual(["3"]);
  });

  test("an older checkpoint makes way for the last one, the newest never", async () => {
    using disk = smallDisk(1 << 20);
    await using run = await startRun(join(disk.folder, "run"), [], "checkpoint.keepLast=2");
    await run.complete(engine, progressAt(1));
    await run.complete(engine, progressAt(2));
    disk.fill(2 * PAGE);
    await run.complete(engine, progressAt(4));
    expect(checkpoints(run.folder)).toEqual(["2", "4"]);
  });
});

test("a run whose folder was taken away goes on and says at its end that it cannot be kept", async () => {
  const remarks: string[] = [];
  const folder = join(temporaryFolder(), "run");
  await using run = await startRun(folder, remarks);
  await run.complete(engine, progressAt(3));
  rmSync(folder, { recursive: true });
  writeFileSync(folder, "in its place");
  await run.save(engine, progressAt(4));
  await run.settled();
  expect(remarks).toEqual([
    expect.stringMatching(/^the checkpoint of step 4 cannot be written and the run goes on/),
  ]);
  await expect(run.complete(engine, progressAt(5))).rejects.toThrow(
    `expected to leave a checkpoint in ${folder}`,
  );
  expect(existsSync(join(folder, "checkpoints"))).toBe(false);
});
