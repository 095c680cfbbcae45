import { appendFileSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FollowedLines, type Gathering } from "../../ts/run/followed-lines.js";
import { cutJsonLines, JsonLines } from "../../ts/run/json-lines.js";
import { temporaryFolder } from "./temporary-folder.js";

class Steps implements Gathering<{ step: number }> {
  readonly steps: number[] = [];

  add({ step }: { step: number }): void {
    this.steps.push(step);
  }
}

function follow(file: string): FollowedLines<{ step: number }, Steps> {
  return new FollowedLines(file, () => new Steps());
}

/** Of a file that has been read to its end before. */
async function stepsOf(followed: FollowedLines<{ step: number }, Steps>): Promise<number[]> {
  return (await followed.read()).steps;
}

test("whatever pieces a file grows by, each of its lines is given once, when it is whole", async () => {
  const file = join(temporaryFolder(), "metrics.jsonl");
  const property = fc.asyncProperty(
    fc.array(fc.record({ step: fc.nat(), text: fc.string({ unit: "grapheme" }) }), { maxLength: 20 }),
    fc.array(fc.nat(400), { maxLength: 10 }),
    async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
      const ends = [...cuts.filter((cut) => cut < bytes.length), bytes.length].sort((a, b) => a - b);
      writeFileSync(file, "");
      const followed = follow(file);
      let start = 0;
      for (const end of ends) {
        appendFileSync(file, bytes.subarray(start, end));
        start = end;
        const whole = bytes.subarray(0, end).toString("latin1").split("\n").length - 1;
        expect(await stepsOf(followed)).toEqual(lines.slice(0, whole).map(({ step }) => step));
      }
    },
  );
  await fc.assert(property, { numRuns: 60 });
});

test("lines longer than a block are read whole", async () => {
  const file = join(temporaryFolder(), "metrics.jsonl");
  const long = JSON.stringify({ step: 1, text: "x".repeat(3_000_000) });
  writeFileSync(file, `${long}\n{"step":2}\n`);
  expect(await stepsOf(follow(file))).toEqual([1, 2]);
});

test("a log that was cut and has grown beyond its old length is read anew", async () => {
  const file = join(temporaryFolder(), "metrics.jsonl");
  const followed = follow(file);
  await using lines = await JsonLines.open<{ step: number }>(file);
  await lines.append({ step: 1 }, { step: 2 }, { step: 3 });
  expect(await stepsOf(followed)).toEqual([1, 2, 3]);
  await cutJsonLines<{ step: number }>(file, ({ step }) => step < 2);
  appendFileSync(file, '{"step":12}\n{"step":13}\n{"step":14}\n');
  expect(await stepsOf(followed)).toEqual([1, 12, 13, 14]);
});

test("a log that has gone has no lines, and those of its successor when it comes", async () => {
  const file = join(temporaryFolder(), "metrics.jsonl");
  const followed = follow(file);
  expect(await stepsOf(followed)).toEqual([]);
  writeFileSync(file, '{"step":1}\n');
  expect(await stepsOf(followed)).toEqual([1]);
  rmSync(file);
  expect(existsSync(file)).toBe(false);
  expect(await stepsOf(followed)).toEqual([]);
  writeFileSync(file, '{"step":7}\n');
  expect(await stepsOf(followed)).toEqual([7]);
});

test("lines that are no JSON objects are passed over", async () => {
  const file = join(temporaryFolder(), "metrics.jsonl");
  writeFileSync(file, '{"step":1}\n{"step":2,"lo\n17\nnull\n\n{"step":3}\n');
  expect(await stepsOf(follow(file))).toEqual([1, 3]);
});

test("two that ask at once are given every line once", async () => {
  const file = join(temporaryFolder(), "metrics.jsonl");
  writeFileSync(file, '{"step":1}\n{"step":2}\n');
  const followed = follow(file);
  const [one, other] = await Promise.all([followed.read(), followed.read()]);
  expect(one?.steps).toEqual([1, 2]);
  expect(other).toBe(one);
});
