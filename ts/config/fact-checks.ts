/** Keys that contradict the machine or the data. */
import { type Problem, unless } from "./problems.js";
import type { RunFacts } from "./resolved.js";
import type { Config } from "./schema.js";

/** Contradictions between the configuration and what is there. */
export function factProblems(config: Config, facts: RunFacts): readonly Problem[] {
  return [...deviceProblems(config, facts), ...sampleProblems(config, facts)];
}

function deviceProblems({ device, precision }: Config, facts: RunFacts): readonly Problem[] {
  const { cudaDevices } = facts;
  const number = device.startsWith("cuda:") ? Number(device.slice("cuda:".length)) : 0;
  const wantsCuda = device.startsWith("cuda");
  const onCuda = cudaDevices > 0 && device !== "cpu";
  const there = cudaDevices === 0 ? "cpu or auto (no CUDA device was found)" : lastDevice(cudaDevices);
  return [
    ...unless(
      !wantsCuda || number < cudaDevices,
      "device",
      there,
      device,
      "udi-native doctor tells what was found and what is missing",
    ),
    ...unless(
      !onCuda || precision !== "bf16" || facts.cudaBf16,
      "precision",
      "auto, fp16 or fp32 (this CUDA device does not compute in bf16)",
      precision,
    ),
  ];
}

function lastDevice(cudaDevices: number): string {
  return `a device from cuda:0 to cuda:${cudaDevices - 1}`;
}

function sampleProblems({ training, evaluate }: Config, { samples, labelled }: RunFacts): readonly Problem[] {
  const { heldOut, train } = evaluate.knn;
  return [
    ...unless(
      training.batchSize <= samples,
      "training.batchSize",
      `at most the number of training images, ${samples}`,
      training.batchSize,
      `add --set training.batchSize=${samples} or give more images`,
    ),
    ...unless(
      labelled || heldOut === null || train !== null,
      "evaluate.knn.train",
      "labelled images, as the training images have no labels",
      train,
    ),
  ];
}
