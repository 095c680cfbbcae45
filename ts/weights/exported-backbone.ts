/** The backbone that an export is of, as its format needs to know it. */
import type { ModelOptions } from "../native/types.js";

/** In pixels. */
export interface ImageSize {
  readonly height: number;
  readonly width: number;
}

export interface ExportedBackbone
  extends Pick<ModelOptions, "width" | "depth" | "heads" | "mlpRatio" | "patchSize" | "classTokens"> {
  /** Of the images that the export is for: positions are resampled to it. */
  readonly imageSize: ImageSize;
  /** Side of the square images for which the checkpoint stores positions. */
  readonly storedSize: number;
  /** Numbers of the weights in the file. Every format is loaded as fp32. */
  readonly dtype: "fp32" | "fp16";
  /** Name of the weights' licence; null: not stated. */
  readonly license: string | null;
}

/** How pixels become what the network was trained on: those of ImageNet, as for every published model of its kind. */
export const NORMALISATION = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
} as const;

/** Length to which an image's shorter side is resized before the centre crop: 256 for 224. */
export function resizedSide({ height, width }: ImageSize): number {
  return Math.round((Math.max(height, width) * 256) / 224);
}

/** Tokens of the grid. */
export function patchTokens({ imageSize, patchSize }: ExportedBackbone): number {
  return Math.floor(imageSize.height / patchSize) * Math.floor(imageSize.width / patchSize);
}

/** Hidden units of a block's MLP. */
export function mlpWidth({ width, mlpRatio }: ExportedBackbone): number {
  return Math.floor(width * mlpRatio);
}
