/** What an accuracy is held against: features for which nothing was learned. */

/** `untrained`: the same network with fresh weights; `pixels`: the images themselves. */
export type BaselineName = "untrained" | "pixels";

/** Of the fresh weights: the same network for every checkpoint of a shape. */
export const UNTRAINED_SEED = 0;

/** What each is, for a reader. */
export const BASELINE_MEANINGS: Readonly<Record<BaselineName, string>> = {
  untrained: `the same network with fresh weights, seed ${UNTRAINED_SEED}`,
  pixels: "raw pixels: RGB values of the same view, at most 32 pixels wide, less the mean of the image",
};
