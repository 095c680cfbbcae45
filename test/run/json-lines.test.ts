import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cutJsonLines, JsonLines, readJsonLines } from "../../ts/run/json-lines.js";
import { temporaryFolder } from "./temporary-folder.js";

interface Line {
  readonly step: number;
  readonly loss?: number;
  readonly text?: string;
}

async function written(...lines: Line[]): Promise<string> {
  const file = join(temporaryFolder(), "metrics.jsonl");
  await append(file, ...lines);
  return file;
}

async function append(file: string, ...lines: Line[]): Promise<void> {
  await using log = await JsonLines.open<Line>(file);
  await log.append(...lines);
  await log.flush();
}

async function read(file: string): Promise<Line[]> {
  const lines: Line[] = [];
  for await (const line of readJsonLines<Line>(file)) lines.push(line);
  return lines;
}

test("lines are appended to those that are there", async () => {
  const file = await written({ step: 1 }, { step: 2 });
  await append(file, { step: 3 });
  expect(readFileSync(file, "utf8")).toBe('{"step":1}\n{"step":2}\n{"step":3}\n');
});

test("a file that does not exist has no lines, and is there after a cut", async () => {
  const file = join(temporaryFolder(), "skipped.jsonl");
  expect(await read(file)).toEqual([]);
  await cutJsonLines(file, () => true);
  expect(existsSync(file)).toBe(true);
});

test("a last line that a crash tore is left out and is gone after a cut", async () => {
  const file = await written({ step: 1 }, { step: 2 });
  appendFileSync(file, '{"step":3,"lo');
  expect(await read(file)).toEqual([{ step: 1 }, { step: 2 }]);
  await cutJsonLines<Line>(file, () => true);
  await append(file, { step: 3 });
  expect(readFileSync(file, "utf8")).toBe('{"step":1}\n{"step":2}\n{"step":3}\n');
});

test("a cut leaves exactly the lines that are kept, byte for byte", async () => {
  const line = fc.record({ step: fc.nat(50), loss: fc.double({ noNaN: true }), text: fc.string() });
  const property = fc.asyncProperty(fc.array(line, { maxLength: 30 }), fc.nat(50), async (lines, last) => {
    const finite = lines.filter(({ loss }) => Number.isFinite(loss) && !Object.is(loss, -0));
    const cut = await written(...finite);
    await cutJsonLines<Line>(cut, ({ step }) => step <= last);
    const direct = await written(...finite.filter(({ step }) => step <= last));
    expect(readFileSync(cut, "utf8")).toBe(readFileSync(direct, "utf8"));
  });
  await fc.assert(property, { numRuns: 25 });
});
