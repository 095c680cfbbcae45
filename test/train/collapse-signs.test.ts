/** Signs of a collapse in looks of real runs: the quickstart's model on 600 of its images, a look after each epoch. */
import { join } from "node:path";
import { expect, test } from "vitest";
import type { WatchRecord } from "../../ts/run/records.js";
import { SIGNS, signsIn, warnings } from "../../ts/train/collapse-signs.js";
import { jsonLines } from "../end-to-end/run-files.js";
import { exampleConfig } from "../run/example-run.js";

const config = exampleConfig("/runs/a", "schedule.warmupEpochs=2", "schedule.teacherMomentum=0.98");

/** The looks of a run, each judged with those before it, and what was remarked. */
function judged(name: string, settings = config) {
  const records: WatchRecord[] = [];
  const remarks: string[] = [];
  for (const seen of jsonLines<WatchRecord>(join(import.meta.dirname, "watch-records", `${name}.jsonl`))) {
    const record = { ...seen, signs: signsIn(seen, records, settings) };
    remarks.push(...warnings(record, records, settings));
    records.push(record);
  }
  return { records, remarks, last: records.at(-1)?.signs };
}

test("a healthy run shows no sign, from the untrained network to the last teacher", () => {
  const { records, remarks } = judged("healthy");
  expect(records.map(({ signs }) => signs)).toEqual(records.map(() => []));
  expect(remarks).toEqual([]);
});

test("without centring all images go to one prototype", () => {
  const { records, last } = judged("no-centring");
  expect(last).toEqual(["one prototype"]);
  expect(records.filter(({ signs }) => signs.includes("one prototype"))).toHaveLength(11);
});

test.each(["warm-teacher", "hot-teacher"])("with a %s all outputs become uniform", (name) => {
  expect(judged(name).last).toContain("uniform outputs");
});

test("a learning rate that is far too high leaves few directions, then uniform outputs", () => {
  const { records, last } = judged("high-learning-rate");
  expect(last).toEqual(["uniform outputs", "few directions"]);
  const byChance = records.filter(({ signs }) => signs.includes("agreement by chance"));
  expect(byChance.map(({ epoch }) => epoch)).toEqual([3, 4]);
});

test("a teacher that is its student loses all directions", () => {
  const { records, last } = judged("student-as-teacher");
  expect(last).toContain("few directions");
  expect(records.at(-1)?.spread).toBeLessThan(0.05);
});

test("nothing is a sign before the warm-up is over", () => {
  const patient = exampleConfig("/runs/a", "schedule.warmupEpochs=9");
  const { records } = judged("no-centring", patient);
  expect(records.filter(({ signs }) => signs.length > 0).map(({ epoch }) => epoch)).toEqual([9, 10, 11, 12]);
});

test("a student that runs ahead of a slow teacher is no sign", () => {
  const slow = exampleConfig("/runs/a", "schedule.warmupEpochs=2", "schedule.teacherMomentum=0.9999");
  const { records } = judged("high-learning-rate", slow);
  expect(records.flatMap(({ signs }) => signs)).not.toContain("agreement by chance");
});

test("a sign is told once, with what it means and which setting helps, and again after it had gone", () => {
  const { remarks } = judged("no-centring");
  expect(remarks).toHaveLength(1);
  expect(remarks[0]).toMatch(
    /^sign of a collapse after epoch 2 \(one prototype\): the teacher gives all images the same few prototypes: .* 0\.091 nats \(at the start 1\.087\)/,
  );
  expect(remarks[0]).toContain("a lower objective.centerMomentum (now 0.9)");
  const coming = judged("high-learning-rate").remarks.filter((line) => line.includes("(uniform outputs)"));
  expect(coming.map((line) => /epoch \d+/.exec(line)?.[0])).toEqual(["epoch 2", "epoch 5"]);
});

test("each sign has a name of its own", () => {
  expect(new Set(SIGNS.map(({ name }) => name)).size).toBe(SIGNS.length);
});
