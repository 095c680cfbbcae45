/** A small learner, batches for it, and images with recipes that give the same batches. */
import { join } from "node:path";
import type { MultiCropBatch, NativeOptions, SamplingMaps, ScheduleValues } from "../../ts/native/types.js";
import { temporaryFolder } from "./fake-libtorch.js";

export const OPTIONS: NativeOptions = {
  model: {
    width: 16,
    depth: 2,
    heads: 2,
    mlpRatio: 2,
    patchSize: 4,
    imageSize: 16,
    classTokens: 2,
    includePatch: true,
    srsHeads: 2,
    dropPathRate: 0.1,
    checkpointBlocks: false,
    head: { prototypes: 24, hiddenWidth: 20, bottleneckWidth: 8, batchNorm: false, normLastLayer: true },
  },
  objective: { alpha: 0.5, studentTemperature: 0.1, centerMomentum: 0.9 },
  optimizer: { name: "adamw", clipGradient: 3, accumulate: 1, lossScale: 65536 },
  device: "cpu",
  precision: "fp32",
  seed: 7,
  threads: 1,
};

export const AT: ScheduleValues = {
  learningRate: 1e-3,
  weightDecay: 0.04,
  momentum: 0.99,
  teacherTemperature: 0.05,
  freezeLastLayer: false,
};

export const SHAPE = { images: 2, globalSize: 16, localCrops: 1, localSize: 8 } as const;

/** Samples of a global and of a local pair. */
const [GLOBAL_SAMPLES, LOCAL_SAMPLES] = [3, 2];

/** Bytes that look random and are the same for the same seed. */
export function noise(length: number, seed: number): Uint8Array {
  let state = seed + 1;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 24;
  });
}

export function smallMaps(): SamplingMaps {
  const pairs = 2 * SHAPE.images;
  const target = (rows: number) => ({
    tokens: Int32Array.from({ length: rows * 4 }, (_, place) => (place * 5) % 16),
    weights: new Float32Array(rows * 4).fill(0.25),
  });
  return {
    globalSource: Int32Array.from({ length: pairs * GLOBAL_SAMPLES }, (_, place) => (place * 3) % 16),
    globalTarget: target(pairs * GLOBAL_SAMPLES),
    localTarget: target(pairs * SHAPE.localCrops * LOCAL_SAMPLES),
  };
}

export function smallBatch(seed = 0): MultiCropBatch {
  const { images, globalSize, localCrops, localSize } = SHAPE;
  return {
    ...SHAPE,
    globalViews: noise(2 * images * 3 * globalSize ** 2, seed),
    localViews: noise(localCrops * images * 3 * localSize ** 2, seed + 1),
    maps: smallMaps(),
  };
}

export function temporaryFile(name: string): string {
  return join(temporaryFolder(), name);
}
