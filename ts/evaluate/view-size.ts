/** Sides of the views that an evaluation takes. */
import { chooseResizeTo } from "../config/choices.js";
import { ArgumentError } from "../errors.js";
import type { EncoderModel } from "../native/encoder.js";

/** In pixels. */
export interface ViewSize {
  /** The shorter side after resizing. */
  readonly resizeTo: number;
  /** Side of the centre crop. */
  readonly crop: number;
}

export interface ViewSizeChoice {
  /** Side of the centre crop in pixels; default: that of the images for which the network stores positions. */
  readonly size?: number | undefined;
  /** Length of the shorter side after resizing; default: 256/224 of the crop. */
  readonly resizeTo?: number | undefined;
}

/** Throws ArgumentError where images would be smaller than their crop. */
export function evaluationSize(
  { size, resizeTo }: ViewSizeChoice,
  model: Pick<EncoderModel, "imageSize">,
): ViewSize {
  const crop = size ?? model.imageSize;
  const chosen = resizeTo ?? chooseResizeTo(crop)[0];
  if (Number.isInteger(chosen) && chosen >= crop) return { resizeTo: chosen, crop };
  throw new ArgumentError(`resizeTo: expected at least the crop's side ${crop}, received ${chosen}`, {
    hint: "give a larger --resize-to, or a smaller --size",
  });
}
