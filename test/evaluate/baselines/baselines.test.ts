/** k-NN and linear probe held against their baselines, on real pictures and a real, if small, network. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { UNTRAINED_SEED } from "../../../ts/evaluate/baselines/baseline.js";
import { pixelRows } from "../../../ts/evaluate/baselines/pixels.js";
import { type CheckpointKnnOptions, evaluateCheckpointKnn } from "../../../ts/evaluate/evaluate-knn.js";
import { normaliseRows } from "../../../ts/evaluate/features.js";
import { probeCheckpoint } from "../../../ts/evaluate/linear/probe-checkpoint.js";
import { openEngine, renderEvaluationViews } from "../../../ts/native/engine.js";
import { decodeImage } from "../../../ts/views/decode.js";
import { sharedFolder, writePhotos } from "../../end-to-end/photos.js";
import { OPTIONS } from "../../native/small-engine.js";

const folder = sharedFolder();
const [fresh, other] = [join(folder, "fresh.safetensors"), join(folder, "other.safetensors")];
const [train, val] = [join(folder, "train"), join(folder, "val")];

beforeAll(async () => {
  for (const [file, seed] of [
    [fresh, UNTRAINED_SEED],
    [other, UNTRAINED_SEED + 1],
  ] as const) {
    await using engine = await openEngine({ ...OPTIONS, seed });
    await engine.save(file);
  }
  await writePhotos(train, 40);
  await writePhotos(val, 24);
});

const PLACE = { heads: 2, device: "cpu", precision: "fp32", threads: 1, workers: 1 } as const;

describe("k-NN", () => {
  const knn = (changed: Partial<CheckpointKnnOptions> = {}) =>
    evaluateCheckpointKnn({
      ...PLACE,
      checkpoint: other,
      train,
      val,
      neighbours: [1, 10],
      baselines: true,
      cache: null,
      ...changed,
    });

  test("an untrained network is ahead of itself by nothing, with every feature", async () => {
    const features = ["cls", "cls+", "cls,cls+", "patches"] as const;
    const { baselines, features: own } = await knn({ checkpoint: fresh, features });
    const untrained = baselines[0];
    expect(untrained?.name).toBe("untrained");
    expect(untrained?.features.map(({ feature, against }) => [feature, against])).toEqual(
      features.map((feature) => [feature, feature]),
    );
    for (const [at, { scores }] of (untrained?.features ?? []).entries())
      expect(scores).toEqual(own[at]?.scores.map((score) => ({ ...score, difference: 0 })));
  });

  test("differences are those of top-1, and intervals hold it", async () => {
    const { baselines, features } = await knn({ features: ["patches", "cls"] });
    const pixels = baselines[1];
    expect(pixels?.features).toHaveLength(1);
    expect(pixels?.features[0]).toMatchObject({ feature: "pixels", against: "patches" });
    const compared = baselines.flatMap((baseline) => baseline.features);
    for (const { against, scores } of compared) {
      const checkpoint = features.find(({ feature }) => feature === against);
      for (const [at, { difference, top1 }] of scores.entries())
        expect(top1 + difference).toBeCloseTo(checkpoint?.scores[at]?.top1 as number, 9);
    }
    for (const { interval, top1 } of [...features, ...compared].flatMap(({ scores }) => scores)) {
      expect(interval[0]).toBeLessThanOrEqual(top1);
      expect(interval[1]).toBeGreaterThanOrEqual(top1);
    }
  });

  test("raw pixels find the neighbours of the largest correlation", async () => {
    const { baselines, size } = await knn();
    const rows = async (root: string) => {
      const files = ["coarse", "fine"].flatMap((name) =>
        readdirSync(join(root, name)).map((file) => join(name, file)),
      );
      const images = await Promise.all(files.map((file) => decodeImage(join(root, file))));
      const pixels = await renderEvaluationViews(images, size);
      const width = pixels.length / files.length;
      const values = normaliseRows(pixelRows(pixels, width), width);
      return files.map((file, at) => ({
        name: file.split("/")[0],
        row: values.subarray(at * width, (at + 1) * width),
      }));
    };
    const [known, asked] = [await rows(train), await rows(val)];
    const right = asked.filter(({ name, row }) => {
      const cosines = known.map((of) => of.row.reduce((sum, value, at) => sum + value * (row[at] ?? 0), 0));
      return known[cosines.indexOf(Math.max(...cosines))]?.name === name;
    });
    expect(baselines[1]?.features[0]?.scores[0]?.top1).toBeCloseTo(right.length / asked.length, 9);
  });

  test("one folder is judged by itself, and a second time everything comes from the disk", async () => {
    const said: string[] = [];
    const given = { val: undefined, cache: join(folder, "cache"), say: (line: string) => said.push(line) };
    const first = await knn(given);
    expect([first.protocol, first.baselines.length, said.length]).toEqual(["leave one out", 2, 0]);
    const passes: string[] = [];
    const onProgress = (done: number, total: number) => passes.push(`${done}/${total}`);
    expect(await knn({ ...given, onProgress })).toEqual(first);
    expect(said.filter((line) => line.includes("taken from"))).toHaveLength(3);
    expect(passes).toEqual(["40/120", "80/120", "120/120"]);
  });

  test("none is measured unless it is asked for", async () => {
    expect((await knn({ baselines: false })).baselines).toEqual([]);
  });
});

describe("linear probe", () => {
  const settings = {
    epochs: 6,
    batchSize: 16,
    augment: false,
    grid: { learningRates: [0.5, 2], lastBlocks: [1, 2], averagePatches: [false, true] },
  };
  const options = { ...PLACE, train, val, settings, baselines: true };

  test("an untrained network is ahead of itself by nothing; pixels are one block without patches", async () => {
    const probe = await probeCheckpoint({ ...options, checkpoint: fresh });
    const [untrained, pixels] = probe.baselines;
    expect(untrained).toMatchObject({ name: "untrained", difference: 0 });
    expect(untrained?.result.candidates).toEqual(probe.candidates);
    expect(pixels?.difference).toBeCloseTo(probe.top1 - (pixels?.result.top1 as number), 9);
    const seen = pixels?.result.candidates.map((candidate) => [
      candidate.lastBlocks,
      candidate.averagePatches,
    ]);
    expect(new Set(seen?.map(String))).toEqual(new Set(["1,false"]));
    expect(pixels?.result.network).toBe("pixels");
  });

  test("random crops are those of the checkpoint, of raw pixels too", async () => {
    const augmented = { ...settings, augment: true, epochs: 2 };
    const probe = await probeCheckpoint({ ...options, checkpoint: other, settings: augmented });
    const crops = probe.baselines.map(({ result }) => [result.features, result.images.trained]);
    expect(crops).toEqual(Array(2).fill(["random crops", 36]));
  });

  test("in a folder each is kept, goes on where it was stopped, and is shown again", async () => {
    const out = join(folder, "probe");
    const stop = new AbortController();
    let baseline = "";
    const stopped = probeCheckpoint({
      ...options,
      checkpoint: other,
      out,
      signal: stop.signal,
      onBaseline: (name) => {
        baseline = name;
      },
      onEpoch: ({ epoch }) => baseline === "untrained" && epoch === 3 && stop.abort(),
    });
    await expect(stopped).rejects.toThrow();
    const remarks: string[] = [];
    const onRemark = (line: string) => remarks.push(line);
    const whole = await probeCheckpoint({ ...options, checkpoint: other, out, onRemark });
    expect(remarks).toContain("goes on after epoch 3 of 6");
    const straight = await probeCheckpoint({ ...options, checkpoint: other });
    const numbers = ({ baselines }: typeof whole) => baselines.map(({ result }) => result.candidates);
    expect(numbers(whole)).toEqual(numbers(straight));
    for (const name of ["untrained", "pixels"]) expect(existsSync(join(out, name, "result.json"))).toBe(true);
    expect(await probeCheckpoint({ ...options, checkpoint: other, out })).toEqual(whole);
  });
});
