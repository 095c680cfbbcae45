/** Which values of a run TensorBoard shows, and under which tags; what stands before the slash is a group there. */
import type { EvaluationRecord, StepRecord, WatchRecord } from "../records.js";

type Scalars = Readonly<Record<string, number>>;

/** A value that is not finite (gradients that overflowed in fp16) is left out. */
export function stepScalars(record: StepRecord): Scalars {
  const { loss, levels, terms, gradientNorm, lossScale, seconds, dataWaitSeconds, imagesPerSecond } = record;
  const { epoch, learningRate, weightDecay, momentum, teacherTemperature } = record;
  return finite({
    "loss/total": loss,
    ...tagged("loss/level/", levels),
    ...tagged("loss/term/", terms),
    "gradient/norm": gradientNorm,
    "gradient/lossScale": lossScale,
    "schedule/epoch": epoch,
    "schedule/learningRate": learningRate,
    "schedule/weightDecay": weightDecay,
    "schedule/momentum": momentum,
    "schedule/teacherTemperature": teacherTemperature,
    "speed/imagesPerSecond": imagesPerSecond,
    "speed/stepSeconds": seconds,
    "speed/dataWaitSeconds": dataWaitSeconds,
  });
}

export function evaluationScalars({ protocol, scores }: EvaluationRecord): Scalars {
  const entries = scores.flatMap(({ neighbours, top1, top5 }) => [
    [`${protocol}/top1/k${neighbours}`, top1],
    [`${protocol}/top5/k${neighbours}`, top5],
  ]);
  return finite(Object.fromEntries(entries));
}

/** Entropies as shares of that of a uniform distribution, so that they lie in [0, 1]. */
export function watchScalars(record: WatchRecord): Scalars {
  const { effectiveRank, spread, entropyOfMean, meanEntropy, largestEntropy, divergence } = record;
  return finite({
    "watch/effectiveRank": effectiveRank,
    "watch/spread": spread,
    "watch/entropyOfMean": entropyOfMean / largestEntropy,
    "watch/meanEntropy": meanEntropy / largestEntropy,
    "watch/divergence": divergence,
    "watch/prototypesUsed": record.prototypesUsed,
    "watch/agreement": record.agreement,
    "watch/chanceAgreement": record.chanceAgreement,
    ...tagged("watch/centerNorm/", record.centerNorms),
  });
}

function tagged(prefix: string, values: Scalars): Scalars {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [prefix + name, value]));
}

function finite(values: Scalars): Scalars {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)));
}
