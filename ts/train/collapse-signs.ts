/**
 * Signs of a collapse: from which numbers on, by which source, and what usually helps.
 *
 * Sources name the quantities, not limits. The limits stand between what runs of the quickstart's model showed: healthy ones, and
 * ones that were broken on purpose (no centring, a teacher temperature of 0.1 and of 1, a learning rate 250 times as high, a
 * teacher that is its student; `test/train/watch-records`). A network that has learned nothing yet shows some of these signs
 * for good reasons, so none is looked for before the learning rate's warm-up is over.
 */

import type { ResolvedConfig } from "../config/resolved.js";
import { percentText } from "../number-text.js";
import type { WatchRecord } from "../run/records.js";

/** What a look found, before it is judged. */
export type Seen = Omit<WatchRecord, "signs">;

/**
 * Nats of divergence below which the teacher's distributions are all the same: they tell apart exp(0.1) = 1.1 groups of images.
 * That it goes to 0 in both kinds of collapse: Caron et al. 2021 (DINO), section 5.3. Healthy runs stayed above 0.97 (1.09 at
 * their start), broken ones came below 0.09.
 */
export const LEAST_DIVERGENCE = 0.1;

/**
 * Share of what a run began with, of effective rank (RankMe: Garrido et al. 2023; the collapse: Jing et al. 2022) and of spread
 * (Chen & He, SimSiam 2021). Healthy runs fell to 0.43 of the rank and 0.88 of the spread, and rose again; broken ones fell to
 * 0.08 and 0.04.
 */
export const LEAST_SHARE = 0.25;

/**
 * Standard errors of a share of so many images (that of a binomial) within which an agreement is no more than chance would
 * give. Healthy runs had 4.7 at least, and more than 10 from their third epoch on.
 */
export const CHANCE_ERRORS = 3;

export interface Sign {
  readonly name: string;
  /** `begun`: the first look of the run. */
  readonly holds: (seen: Seen, begun: Seen, config: Settings) => boolean;
  readonly says: (seen: Seen, begun: Seen) => string;
  readonly helps: (config: Settings) => string;
}

type Settings = Pick<ResolvedConfig, "objective" | "schedule">;

export const SIGNS: readonly Sign[] = [
  {
    name: "one prototype",
    holds: (seen) => isSame(seen) && !isUniform(seen),
    says: (seen, begun) => `the teacher gives all images the same few prototypes: ${sameness(seen, begun)}`,
    helps: ({ objective, schedule }) =>
      [
        `a lower objective.centerMomentum (now ${objective.centerMomentum})`,
        `a higher schedule.teacherMomentum (now ${schedule.teacherMomentum})`,
        `a higher schedule.teacherTemperature (now ${schedule.teacherTemperature})`,
      ].join(", "),
  },
  {
    name: "uniform outputs",
    holds: (seen) => isSame(seen) && isUniform(seen),
    says: (seen, begun) => `the teacher gives all images all prototypes alike: ${sameness(seen, begun)}`,
    helps: ({ schedule }) =>
      [
        `a lower schedule.teacherTemperature (now ${schedule.teacherTemperature})`,
        `a lower schedule.learningRate (now ${schedule.learningRate})`,
      ].join(", "),
  },
  {
    name: "few directions",
    holds: (seen, begun) =>
      seen.effectiveRank < LEAST_SHARE * begun.effectiveRank || seen.spread < LEAST_SHARE * begun.spread,
    says: (seen, begun) =>
      `the teacher's features have shrunk to few directions: effective rank ${rankOf(seen)}, spread ${seen.spread.toFixed(2)}; at the start ${rankOf(begun)} and ${begun.spread.toFixed(2)}`,
    helps: ({ schedule }) =>
      [
        `a lower schedule.learningRate (now ${schedule.learningRate})`,
        `a higher schedule.teacherMomentum (now ${schedule.teacherMomentum})`,
        "milder crops.photometric",
      ].join(", "),
  },
  {
    name: "agreement by chance",
    // Where all images look the same to the teacher, there is nothing to agree on.
    holds: (seen, _, config) => !isSame(seen) && isByChance(seen) && teacherHasFollowed(seen, config),
    says: ({ agreement, chanceAgreement }) =>
      `the student chooses the teacher's prototype no more often than by chance: ${percentText(agreement)} of images, ${percentText(chanceAgreement)} by chance`,
    helps: ({ schedule }) =>
      [
        `a lower schedule.learningRate (now ${schedule.learningRate})`,
        `a longer schedule.warmupEpochs (now ${schedule.warmupEpochs})`,
        `a higher schedule.teacherMomentum (now ${schedule.teacherMomentum})`,
      ].join(", "),
  },
];

/** Names of the signs that a look shows; none before the warm-up is over, and none at the run's first look. */
export function signsIn(
  seen: Seen,
  before: readonly WatchRecord[],
  { objective, schedule }: Settings,
): string[] {
  const begun = before[0];
  if (begun === undefined || seen.epoch < Math.max(1, schedule.warmupEpochs)) return [];
  return SIGNS.filter(({ holds }) => holds(seen, begun, { objective, schedule })).map(({ name }) => name);
}

/** A line for each sign of a look that the one before did not show. */
export function warnings(record: WatchRecord, before: readonly WatchRecord[], config: Settings): string[] {
  const [begun, known] = [before[0] ?? record, before.at(-1)?.signs ?? []];
  return SIGNS.filter(({ name }) => record.signs.includes(name) && !known.includes(name)).map(
    ({ name, says, helps }) =>
      `sign of a collapse after epoch ${record.epoch} (${name}): ${says(record, begun)}. What usually helps: ${helps(config)}`,
  );
}

function isSame({ divergence }: Seen): boolean {
  return divergence < LEAST_DIVERGENCE;
}

/** Of distributions that are all the same. */
function isUniform({ entropyOfMean, largestEntropy }: Seen): boolean {
  return entropyOfMean > largestEntropy / 2;
}

function isByChance({ agreement, chanceAgreement, images }: Seen): boolean {
  const error = Math.sqrt((chanceAgreement * (1 - chanceAgreement)) / images);
  return agreement <= chanceAgreement + CHANCE_ERRORS * error;
}

/** A student may run ahead of a teacher that is still the mean of its first steps. */
function teacherHasFollowed({ step }: Seen, { schedule }: Settings): boolean {
  return step * (1 - schedule.teacherMomentum) >= 1;
}

function sameness({ divergence, entropyOfMean, largestEntropy }: Seen, begun: Seen): string {
  const parts = [
    `its distributions differ from their mean by ${divergence.toFixed(3)} nats (at the start ${begun.divergence.toFixed(3)})`,
    `whose entropy is ${percentText(entropyOfMean / largestEntropy)} of the largest`,
  ];
  return parts.join(", ");
}

function rankOf({ effectiveRank, largestRank }: Seen): string {
  return `${effectiveRank.toFixed(1)} of ${largestRank}`;
}
