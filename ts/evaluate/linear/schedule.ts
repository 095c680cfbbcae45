/** The learning rate of the linear probe, set once an epoch. */
import type { Candidate, LinearSettings } from "./settings.js";

/** `epoch` counted from 0. A cosine from the scaled rate to the smallest one, which is not scaled. */
export function learningRate(
  { learningRate }: Pick<Candidate, "learningRate">,
  settings: Pick<LinearSettings, "batchSize" | "epochs" | "minimumRate">,
  epoch: number,
): number {
  const { batchSize, epochs, minimumRate } = settings;
  const first = (learningRate * batchSize) / 256;
  return minimumRate + ((first - minimumRate) * (1 + Math.cos((Math.PI * epoch) / epochs))) / 2;
}
