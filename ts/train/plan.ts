/** What is due after a step: pure decisions from the configuration and the place in the run. */
import type { ResolvedConfig } from "../config/resolved.js";
import type { Progress } from "../run/run.js";
import type { Position } from "../views/planned-batches.js";

type Planned = Pick<ResolvedConfig, "training" | "checkpoint" | "evaluate">;

/** Steps made, and the batch that comes next. */
type Place = Pick<Progress, "step" | "position">;

/** The batch that follows `position`. */
export function following({ epoch, index }: Position, stepsPerEpoch: number): Position {
  return index + 1 < stepsPerEpoch ? { epoch, index: index + 1 } : { epoch: epoch + 1, index: 0 };
}

/** Steps that an uninterrupted run has made before a batch: the place from which schedules follow. */
export function stepAt({ epoch, index }: Position, stepsPerEpoch: number): number {
  return epoch * stepsPerEpoch + index;
}

/** Steps from a batch to the end of the run. */
export function stepsToCome(
  { training }: Pick<Planned, "training">,
  position: Position,
  stepsPerEpoch: number,
): number {
  return Math.max(0, training.epochs * stepsPerEpoch - stepAt(position, stepsPerEpoch));
}

/** Whether a checkpoint is due, so many minutes after the last one. The last step always has one. */
export function checkpointIsDue(config: Planned, { step, position }: Place, minutes: number): boolean {
  const { everyEpochs, everySteps, everyMinutes } = config.checkpoint;
  if (isFinished(config, position) || (everySteps > 0 && step % everySteps === 0)) return true;
  if (everyMinutes > 0 && minutes >= everyMinutes) return true;
  return isEpochEnd(position) && position.epoch % everyEpochs === 0;
}

/** Whether an evaluation is due: of the untrained network, every so many epochs, and at the end. */
export function evaluationIsDue(config: Planned, place: Place): boolean {
  return isDue(config.evaluate.knn, config, place);
}

/** Whether a look for signs of a collapse is due, at the like places. */
export function watchIsDue(config: Planned, place: Place): boolean {
  return isDue(config.evaluate.watch, config, place);
}

/** Whether pictures are due, at the like places. */
export function picturesAreDue(config: Planned, place: Place): boolean {
  return isDue(config.evaluate.pictures, config, place);
}

function isDue(
  { everyEpochs }: { readonly everyEpochs: number | null },
  config: Planned,
  { step, position }: Place,
): boolean {
  if (everyEpochs === null) return false;
  if (step === 0 || isFinished(config, position)) return true;
  return everyEpochs > 0 && isEpochEnd(position) && position.epoch % everyEpochs === 0;
}

/** Whether no batch is left. */
export function isFinished({ training }: Pick<Planned, "training">, { epoch }: Position): boolean {
  return epoch >= training.epochs;
}

/** Whether a place lies between two epochs: only there looks at the networks are due. */
export function isEpochEnd({ index }: Position): boolean {
  return index === 0;
}
