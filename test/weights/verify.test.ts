import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { RunError } from "../../ts/errors.js";
import { fileHash } from "../../ts/run/checkpoint-record.js";
import { averageCheckpoints } from "../../ts/weights/average.js";
import { type Verification, verify } from "../../ts/weights/verify.js";
import { sharedFolder } from "../end-to-end/photos.js";
import { contents } from "../end-to-end/run-files.js";
import { trainTiny } from "./tiny-runs.js";

const folder = sharedFolder();
let whole: string;

beforeAll(async () => {
  whole = await trainTiny(
    folder,
    "whole",
    "evaluate.knn.everyEpochs=1",
    `evaluate.knn.heldOut=${folder}/photos`,
  );
});

/** A copy of the run that may be damaged. */
function copy(name: string): string {
  const run = join(folder, name);
  cpSync(whole, run, { recursive: true });
  return run;
}

function found({ checks }: Verification): string[] {
  const damaged = checks.filter(({ outcome }) => outcome === "damaged");
  return damaged.map(({ part, name, detail }) => `${part} ${name}: ${detail}`);
}

test("a run that was trained to its end is sound, and is not changed by looking at it", async () => {
  const before = contents(whole);
  const told: string[] = [];
  const verification = await verify(whole, { onCheck: ({ part, name }) => told.push(`${part} ${name}`) });
  expect(verification).toMatchObject({ path: whole, kind: "run", sound: true });
  expect(told).toEqual([
    "config.yaml readable",
    ...["checkpoints/4", "checkpoints/2"].flatMap((part) => [
      `${part} record`,
      `${part} checksum`,
      `${part} finite values`,
      `${part} the same after loading and saving`,
    ]),
    "environment.json readable",
    "metrics.jsonl every step once",
    "skipped.jsonl readable",
    "evaluations.jsonl readable",
    "watch.jsonl readable",
  ]);
  expect(verification.checks.map(({ outcome }) => outcome)).toEqual(told.map(() => "good"));
  expect(contents(whole)).toEqual(before);
});

test("one changed bit of a state is found, and the other checkpoints are sound", async () => {
  const run = copy("bit");
  const state = join(run, "checkpoints", "4", "state.safetensors");
  const bytes = readFileSync(state);
  const middle = bytes.length >> 1;
  bytes.writeUInt8(bytes.readUInt8(middle) ^ 1, middle);
  writeFileSync(state, bytes);
  const verification = await verify(run);
  expect(verification.sound).toBe(false);
  expect(found(verification)).toEqual([expect.stringMatching(/^checkpoints\/4 checksum: expected SHA-256/)]);
});

test("values that are no numbers are found though the checksum is right", async () => {
  const checkpoint = join(copy("nan"), "checkpoints", "4");
  const state = join(checkpoint, "state.safetensors");
  const bytes = readFileSync(state);
  bytes.writeFloatLE(Number.NaN, bytes.length - 4); // of the teacher, the last in the file
  writeFileSync(state, bytes);
  const record = join(checkpoint, "checkpoint.json");
  const told = JSON.parse(readFileSync(record, "utf8"));
  writeFileSync(record, JSON.stringify({ ...told, sha256: await fileHash(state) }));
  expect(found(await verify(checkpoint))).toEqual([
    expect.stringMatching(/^4 finite values: teacher\..* has 1 values that are no finite numbers$/),
  ]);
});

test("a state of another model is found, whatever its checksum", async () => {
  const checkpoint = join(copy("other"), "checkpoints", "4");
  const record = join(checkpoint, "checkpoint.json");
  const text = readFileSync(record, "utf8");
  writeFileSync(record, text.replace('"model.depth": 2', '"model.depth": 1'));
  const damage = found(await verify(checkpoint));
  expect(damage[0]).toBe("4 record: its configHash is not that of its config");
  expect(damage[1]).toMatch(
    /^4 the same after loading and saving: .*state\.safetensors: expected the state of this model/,
  );
});

test.each([
  ["a lost line", (text: string) => text.replace(/^.*\n/, ""), "line 1: expected step 1, found 2"],
  ["a line twice", (text: string) => text.replace(/^(.*\n)/, "$1$1"), "line 2: expected step 2, found 1"],
  [
    "a lost end",
    (text: string) => text.replace(/.*\n$/, ""),
    "expected steps up to the newest checkpoint's 4, found 3",
  ],
  [
    "a torn line in the middle",
    (text: string) => text.replace("}\n", "\n"),
    "line 1: expected JSON with a step",
  ],
])("%s of the metrics is found", async (name, damage, message) => {
  const run = copy(name);
  const file = join(run, "metrics.jsonl");
  writeFileSync(file, damage(readFileSync(file, "utf8")));
  expect(found(await verify(run))).toEqual([
    expect.stringContaining(`metrics.jsonl every step once: ${message}`),
  ]);
});

test("what a killed run leaves is no damage: steps after its checkpoint, half a line", async () => {
  const run = copy("killed");
  rmSync(join(run, "checkpoints", "4"), { recursive: true });
  appendFileSync(join(run, "metrics.jsonl"), '{"step":5,"lo');
  const verification = await verify(run);
  expect(verification.sound).toBe(true);
  const metrics = verification.checks.find(({ part }) => part === "metrics.jsonl");
  expect(metrics?.detail).toBe(
    "4 steps, 2 of them after the newest checkpoint, and a line that is not whole",
  );
});

test("a configuration that cannot be read is found", async () => {
  const run = copy("config");
  appendFileSync(join(run, "config.yaml"), "sede: 1\n");
  expect(found(await verify(run))).toEqual([expect.stringContaining("config.yaml readable: sede")]);
});

test("averaged networks are sound, and not asked to be loaded as a run", async () => {
  const out = join(folder, "average");
  await averageCheckpoints({ checkpoints: [whole, join(whole, "checkpoints", "2")], out });
  const { sound, checks } = await verify(out);
  expect([sound, checks.map(({ outcome }) => outcome)]).toEqual([true, ["good", "good", "good", "skipped"]]);
});

test("what is neither a run nor a checkpoint is an error", async () => {
  await expect(verify(join(folder, "photos"))).rejects.toBeInstanceOf(RunError);
  await expect(verify(join(folder, "nowhere"))).rejects.toThrow(
    /expected the folder of a run or of a checkpoint/,
  );
});
