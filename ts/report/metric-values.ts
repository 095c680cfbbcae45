/** The numbers of a step that are drawn, by the name of their plot. */
import type { StepRecord } from "../run/records.js";

/** Logs of other versions may have parts of the time that data takes, or not. */
type Logged = Omit<StepRecord, "dataSeconds"> & Partial<Pick<StepRecord, "dataSeconds">>;

export function metricValues(record: Logged): Record<string, number> {
  const { loss, gradientNorm, seconds, dataWaitSeconds, imagesPerSecond } = record;
  const { learningRate, weightDecay, momentum, teacherTemperature } = record;
  return {
    loss,
    ...under("level", record.levels),
    ...under("term", record.terms),
    learningRate,
    weightDecay,
    momentum,
    teacherTemperature,
    gradientNorm,
    // 1 wherever nothing is scaled: no plot then.
    ...(record.lossScale === 1 ? {} : { lossScale: record.lossScale }),
    imagesPerSecond,
    stepSeconds: seconds,
    waitShare: (100 * dataWaitSeconds) / (seconds + dataWaitSeconds),
    ...under("data", record.dataSeconds ?? {}),
  };
}

function under(prefix: string, values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [`${prefix}.${name}`, value]));
}
