import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { lastJsonLines } from "../../ts/run/last-lines.js";
import { temporaryFolder } from "./temporary-folder.js";

test("the last lines are those at the end of the file, whatever their length", async () => {
  const file = join(temporaryFolder(), "metrics.jsonl");
  // Lines of some 10 kB: several blocks of the file.
  const line = fc.record({ text: fc.string({ unit: "grapheme", size: "small" }), repeat: fc.nat(3000) });
  const property = fc.asyncProperty(
    fc.array(line, { maxLength: 40 }),
    fc.integer({ min: 1, max: 20 }),
    async (drawn, count) => {
      const lines = drawn.map(({ text, repeat }) => ({ text: text.repeat(repeat / 10), repeat }));
      writeFileSync(file, lines.map((value) => `${JSON.stringify(value)}\n`).join(""));
      expect(await lastJsonLines(file, count)).toEqual(lines.slice(-count));
    },
  );
  await fc.assert(property, { numRuns: 50 });
});

test("a line that is torn or still being written is left out", async () => {
  const file = join(temporaryFolder(), "metrics.jsonl");
  writeFileSync(file, '{"step":1}\n{"step":2}\n{"step":3}');
  expect(await lastJsonLines(file, 2)).toEqual([{ step: 1 }, { step: 2 }]);
});

test("a file that does not exist has no lines", async () => {
  expect(await lastJsonLines("/nowhere/metrics.jsonl", 5)).toEqual([]);
});
