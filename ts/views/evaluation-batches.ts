/** The stream of a source's images in order, resized and cropped for evaluation, one batch ahead of its consumer. */
import type { DecodedImage } from "../native/types.js";
import { type SampleBatch, type SampleBatchesRequest, sampleBatches } from "./sample-batches.js";

export type EvaluationBatch = SampleBatch;
export type { SkippedFile } from "./sample-batches.js";

export interface EvaluationBatchesRequest extends Omit<SampleBatchesRequest, "samples" | "view"> {
  /** torchvision's Resize and CenterCrop. */
  readonly size: { readonly resizeTo: number; readonly crop: number };
  readonly render: (
    images: readonly DecodedImage[],
    size: EvaluationBatchesRequest["size"],
  ) => Promise<Uint8Array>;
}

/** Batches may be smaller than `batchSize`, by files that could not be decoded; `samples` may be empty. */
export function evaluationBatches(request: EvaluationBatchesRequest): AsyncGenerator<EvaluationBatch> {
  const { source, render, size } = request;
  const samples = Uint32Array.from({ length: source.count }, (_, sample) => sample);
  return sampleBatches({ ...request, samples, view: (image) => render([image], size) });
}
