/** What a reader should know of a run that was imported, a line each. */
import type { Config } from "../config/schema.js";
import type { CheckpointSource } from "./open-checkpoint.js";
import { batchOf } from "./reference-config.js";

/** What the file lacks, and what was taken in place of it. */
export function remarksOf({ facts, networks }: CheckpointSource, config: Config): string[] {
  const { arguments: given, optimizer, centers, steps, epoch } = facts;
  const { training, optimizer: wanted } = config;
  const { size, devices } = batchOf(facts);
  return [
    ...(given === null ? ["the file holds no arguments: every setting is the default"] : []),
    ...(size === undefined || devices !== null
      ? []
      : [
          `training.batchSize is ${size}, that of one device: the file does not say how many there were; --set training.batchSize=N if there were more`,
        ]),
    ...(optimizer === null ? ["the optimiser's state is not in the file: its moments start anew"] : []),
    ...(optimizer === null || optimizer === wanted.name
      ? []
      : [
          `the optimiser's state is of ${optimizer}, the run goes on with ${wanted.name}: its moments start anew`,
        ]),
    ...(epoch === null || epoch < training.epochs
      ? []
      : [
          `the run is at its end, epoch ${epoch} of ${training.epochs}: --set training.epochs=N lets it go on`,
        ]),
    ...(centers ? [] : ["the centres are not in the file: they start at zero"]),
    ...(steps === null ? ["the file does not say how many steps were made: its epochs are counted"] : []),
    ...(networks.length === 2 ? [] : [`the ${networks[0]} stands for both networks`]),
  ];
}
