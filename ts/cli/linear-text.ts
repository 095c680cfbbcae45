/** What `udi-native evaluate linear` says, in words. */

import type { LinearBaseline } from "../evaluate/baselines/linear-baselines.js";
import type { CheckpointProbe, ProbeStart } from "../evaluate/linear/probe-checkpoint.js";
import type { EpochRecord, LinearResult } from "../evaluate/linear/result.js";
import type { Candidate, LinearSettings } from "../evaluate/linear/settings.js";
import { percentText } from "../number-text.js";

export function probeStartText(start: ProbeStart): string {
  const { settings, classifiers, device, classes, trainImages, valImages } = start;
  const rate = classifiers === 1 ? "one classifier" : `${classifiers} classifiers`;
  const features = settings.augment
    ? `${augmentationText(settings)} in each epoch`
    : "features of the centre crops, computed once";
  return `linear probe on ${device}: ${rate}, ${classes} classes, ${trainImages} train and ${valImages} val images, ${settings.epochs} epochs, ${features}`;
}

/** What the images go through anew in each epoch. */
function augmentationText({ autoAugment, erasing }: LinearSettings): string {
  const erased = erasing === null ? [] : [`random erasing ${erasing.probability}`];
  return ["random crops", ...(autoAugment === null ? [] : [autoAugment]), ...erased].join(", ");
}

/** The reference's classifier, and the best on the held-out part where there is one. */
export function epochText({ epoch, losses, seconds, evaluation }: EpochRecord, epochs: number): string {
  const parts = [`epoch ${epoch}/${epochs}`, `loss ${losses[0]?.toFixed(4) ?? "not finite"}`];
  const reference = evaluation?.val[0];
  if (reference !== undefined)
    parts.push(`top-1 ${percentText(reference.top1)}`, `top-5 ${percentText(reference.top5)}`);
  if (evaluation?.select && evaluation.select.length > 1) {
    parts.push(
      `best on the held-out part ${percentText(Math.max(...evaluation.select.map(({ top1 }) => top1)))}`,
    );
  }
  return [...parts, `${seconds.toFixed(1)} s`].join("  ");
}

export function linearText(result: CheckpointProbe): string {
  const { candidates, chosen, interval, images, settings, skipped } = result;
  const [best, reference] = [candidates[chosen], candidates[0]];
  const range = `${percentText(interval[0])} to ${percentText(interval[1])}`;
  const lines = [
    `top-1 ${percentText(result.top1)} (95 % interval ${range}), top-5 ${percentText(result.top5)} on ${images.val} val images`,
    `classifier: ${best === undefined ? "" : candidateText(best)}, ${how(result)}`,
  ];
  if (chosen !== 0 && reference !== undefined)
    lines.push(`reference's: ${candidateText(reference)}: top-1 ${percentText(reference.val.top1)}`);
  const features = settings.augment ? augmentationText(settings) : result.features;
  const trained = `trained on ${images.trained} images, ${features}, ${result.seconds.toFixed(1)} s`;
  return [
    ...lines,
    trained,
    ...(skipped > 0 ? [`left out: ${skipped} files that cannot be decoded`] : []),
    ...result.baselines.map(baselineText),
  ].join("\n");
}

/** The same protocol on features for which nothing was learned, and what the checkpoint is ahead of it. */
function baselineText({ meaning, difference, result }: LinearBaseline): string {
  const { top1, interval } = result;
  const range = `${percentText(interval[0])} to ${percentText(interval[1])}`;
  const ahead = `${Math.abs(100 * difference).toFixed(1)} points ${difference < 0 ? "above" : "below"} the checkpoint`;
  return `baseline: top-1 ${percentText(top1)} (95 % interval ${range}), ${ahead}: ${meaning}`;
}

function how({ candidates, images }: LinearResult): string {
  if (candidates.length === 1) return "the reference's, the only one";
  if (images.select === 0)
    return `the reference's, of ${candidates.length}: nothing was held out to choose by`;
  return `the best of ${candidates.length} on ${images.select} held-out train images`;
}

function candidateText({ learningRate, lastBlocks, averagePatches }: Candidate): string {
  const blocks = lastBlocks === 1 ? "last block" : `last ${lastBlocks} blocks`;
  return `learning rate ${learningRate}, ${blocks}${averagePatches ? " and mean of patches" : ""}`;
}
