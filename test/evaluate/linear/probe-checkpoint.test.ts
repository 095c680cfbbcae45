/** The probe on real pictures and a real, if small, network. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
  type ProbeCheckpointOptions,
  probeCheckpoint,
} from "../../../ts/evaluate/linear/probe-checkpoint.js";
import type { LinearResult } from "../../../ts/evaluate/linear/result.js";
import { openEngine } from "../../../ts/native/engine.js";
import { lockFile } from "../../../ts/native/file-lock.js";
import { damagePhotos, sharedFolder, writePhotos } from "../../end-to-end/photos.js";
import { OPTIONS } from "../../native/small-engine.js";

const folder = sharedFolder();
const checkpoint = join(folder, "state.safetensors");
const [train, val] = [join(folder, "train"), join(folder, "val")];

beforeAll(async () => {
  await using engine = await openEngine(OPTIONS);
  await engine.save(checkpoint);
  await writePhotos(train, 64);
  await writePhotos(val, 32);
});

/** Few epochs and a grid of three. */
function options(changes: Partial<ProbeCheckpointOptions> = {}): ProbeCheckpointOptions {
  const { settings, ...rest } = changes;
  return {
    checkpoint,
    train,
    val,
    heads: 2,
    device: "cpu",
    threads: 1,
    workers: 2,
    settings: {
      epochs: 4,
      batchSize: 16,
      grid: { learningRates: [0.5, 2], lastBlocks: [1], averagePatches: [true] },
      ...settings,
    },
    ...rest,
  };
}

function timeless({ seconds: _, ...result }: LinearResult) {
  return result;
}

const lines = (out: string) =>
  readFileSync(join(out, "epochs.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => ({ ...JSON.parse(line), seconds: 0 }));

/** Stops a probe after an epoch. */
async function stopAfter(epoch: number, given: ProbeCheckpointOptions): Promise<unknown> {
  const stop = new AbortController();
  const onEpoch = (record: { readonly epoch: number }) => record.epoch === epoch && stop.abort();
  return probeCheckpoint({ ...given, signal: stop.signal, onEpoch }).catch((error: unknown) => error);
}

/** At the reference's strength it hides what tells these pictures apart, their contrast. */
const WEAK = "rand-m1-mstd0.5-inc1";
const PLAIN = { autoAugment: null, erasing: null };

describe.each([
  { name: "RandAugment and random erasing", settings: { augment: true, autoAugment: WEAK }, epochs: 40 },
  { name: "random crops alone", settings: { augment: true, ...PLAIN }, epochs: 12 },
  { name: "centre crops", settings: { augment: false }, epochs: 12 },
])("$name", ({ name, settings, epochs }) => {
  test("tells coarse from fine noise, and chooses without val", async () => {
    const result = await probeCheckpoint(options({ settings: { ...settings, epochs, batchSize: 16 } }));
    expect(result.features).toBe(settings.augment ? "random crops" : "centre crops");
    expect(result.images).toEqual({ trained: 58, select: 6, val: 32 });
    expect(result.top1).toBeGreaterThan(0.8);
    const { chosen, candidates } = result;
    const best = Math.max(...candidates.map(({ select }) => select?.top1 ?? Number.NaN));
    expect(candidates[chosen]?.select?.top1).toBe(best);
    expect(candidates[chosen]?.val).toEqual({ top1: result.top1, top5: result.top5 });
    expect(result.interval[0]).toBeLessThanOrEqual(result.top1);
    expect(result.interval[1]).toBeGreaterThanOrEqual(result.top1);
  });

  test("goes on where it was stopped and ends with the numbers of one that was not", async () => {
    const [straight, stopped] = [join(folder, `straight ${name}`), join(folder, `stopped ${name}`)];
    const whole = await probeCheckpoint(options({ settings, out: straight }));
    await stopAfter(2, options({ settings, out: stopped }));
    expect(lines(stopped)).toHaveLength(2);
    const remarks: string[] = [];
    const given = options({ settings, out: stopped, onRemark: (line) => remarks.push(line) });
    const resumed = await probeCheckpoint(given);
    expect(remarks).toContain("goes on after epoch 2 of 4");
    expect(timeless(resumed)).toEqual(timeless(whole));
    expect(lines(stopped)).toEqual(lines(straight));
    const state = (out: string) => readFileSync(join(out, "state-0004.safetensors"));
    expect(state(stopped)).toEqual(state(straight));
    expect(await probeCheckpoint(given)).toEqual(resumed);
  });
});

test("without a held-out part the reference's classifier is reported, trained on everything", async () => {
  const result = await probeCheckpoint(options({ settings: { selectShare: 0 } }));
  expect(result).toMatchObject({ chosen: 0, images: { trained: 64, select: 0, val: 32 } });
  expect(result.candidates.every(({ select }) => select === null)).toBe(true);
});

test("a classifier that diverges is not chosen, and has no loss", async () => {
  const reference = { learningRate: 1e38 };
  const result = await probeCheckpoint(options({ settings: { reference, augment: false } }));
  expect(result.candidates[0]).toMatchObject({ learningRate: 1e38, loss: null });
  expect(result.chosen).not.toBe(0);
});

test("files that cannot be decoded are left out and counted", async () => {
  const damaged = join(folder, "damaged");
  await writePhotos(damaged, 40);
  damagePhotos(damaged, [3, 4, 9]);
  for (const augment of [true, false]) {
    const result = await probeCheckpoint(options({ train: damaged, settings: { augment } }));
    expect(result.skipped).toBe(3);
  }
});

describe("one clear error for", () => {
  const failing = (changes: Partial<ProbeCheckpointOptions>) =>
    expect(probeCheckpoint(options(changes))).rejects;

  test("a train folder in which nothing can be decoded", async () => {
    const bad = join(folder, "bad");
    await writePhotos(bad, 40);
    damagePhotos(bad, [...Array(40).keys()]);
    await failing({ train: bad, settings: { selectShare: 0 } }).toThrow(/can be decoded/);
    await failing({ train: bad, settings: { augment: false } }).toThrow(/can be decoded/);
  });

  test("one image a class", async () => {
    const few = join(folder, "few");
    await writePhotos(few, 2);
    await failing({ train: few }).toThrow(
      /expected images to choose the best classifier on, received 2 train images/,
    );
    const result = await probeCheckpoint(options({ train: few, settings: { selectShare: 0 } }));
    expect(result.images.trained).toBe(2);
  });

  test("a folder without classes", async () => {
    const flat = join(train, "coarse");
    await failing({ train: flat }).toThrow(/expected images in its sub-folders, found none/);
  });

  test("a folder of another probe, of other things, or in use", async () => {
    const out = join(folder, "taken");
    await probeCheckpoint(options({ out, settings: { epochs: 1 } }));
    await failing({ out, settings: { epochs: 2 } }).toThrow(/expected settings.epochs 1, .* received 2/);
    await failing({ out, train: val, settings: { epochs: 1 } }).toThrow(/expected train\.images 64/);
    const other = join(folder, "other");
    mkdirSync(other);
    writeFileSync(join(other, "notes.txt"), "mine");
    await failing({ out: other }).toThrow(/expected an empty folder or that of a linear probe/);
    expect(readFileSync(join(other, "notes.txt"), "utf8")).toBe("mine");
    const lock = await lockFile(join(out, "probe.lock"));
    await failing({ out, settings: { epochs: 1 } }).toThrow(/a probe that no other process works on/);
    lock?.[Symbol.dispose]();
    expect((await probeCheckpoint(options({ out, settings: { epochs: 1 } }))).images.val).toBe(32);
  });

  test("a file that is no Vision Transformer", async () => {
    const file = join(folder, "other.safetensors");
    const header = JSON.stringify({ "fc.weight": { dtype: "F32", shape: [1], data_offsets: [0, 4] } });
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(header.length));
    writeFileSync(file, Buffer.concat([length, Buffer.from(header), Buffer.alloc(4)]));
    await failing({ checkpoint: file }).toThrow(/Vision Transformer|network|backbone|names/);
  });

  test("weights that are no numbers", async () => {
    const file = join(folder, "nan.safetensors");
    const bytes = readFileSync(checkpoint);
    const header = Number(bytes.readBigUInt64LE(0));
    const tensors = JSON.parse(bytes.toString("utf8", 8, 8 + header));
    const [name] = Object.keys(tensors).filter(
      (key) => key.startsWith("teacher.") && key.endsWith("backbone.backbone.norm.weight"),
    );
    bytes.writeFloatLE(Number.NaN, 8 + header + tensors[name as string].data_offsets[0]);
    writeFileSync(file, bytes);
    await failing({ checkpoint: file }).toThrow(/finite/);
  });
});
