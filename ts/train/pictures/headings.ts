/** What stands above the pictures of a time. */
import type { Heading } from "../../picture/titled-panel.js";
import { sameClass, type TimeFacts } from "../../run/picture-folders.js";

export function featuresHeading(facts: TimeFacts, heads: number): Heading {
  const shares = facts.explained.map((share) => `${Math.round(100 * share)} %`).join(", ");
  return {
    title: `Attention and features: ${networkText(facts)}`,
    facts: [
      `cls, cls+: attention of the last block, mean of ${heads} heads, each map from its lowest value (dark) to its highest (light)`,
      `patches: principal components of the patch features of all these images as red, green, blue (${shares} of the variance)`,
    ],
  };
}

export function neighboursHeading(facts: TimeFacts): Heading {
  const same = sameClass(facts.images);
  return {
    title: `Nearest neighbours: ${networkText(facts)}`,
    facts: [
      `cosine similarity of the cls features, among ${facts.pool} training images`,
      ...(same === null ? [] : [`${same.same} of ${same.of} neighbours are of the same class`]),
    ],
  };
}

function networkText({ step, epoch }: TimeFacts): string {
  return step === 0 ? "before the first step" : `teacher after step ${step}, epoch ${epoch}`;
}
