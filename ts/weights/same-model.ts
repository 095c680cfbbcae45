/** Holds a configuration to the weights that it is to go on with. */
import type { Config } from "../config/schema.js";
import { RunError } from "../errors.js";
import type { CheckpointSource } from "./open-checkpoint.js";

/** The tensors decide what the model is; nothing may be set to another. */
export function requireSameModel({ model, crops }: Config, source: CheckpointSource, heads?: number): void {
  const { head, imageSize, ...shape } = source.model;
  const expected = {
    "model.width": [shape.width, model.width],
    "model.depth": [shape.depth, model.depth],
    "model.mlpRatio": [shape.mlpRatio, model.mlpRatio],
    "model.patchSize": [shape.patchSize, model.patchSize],
    "model.classTokens": [shape.classTokens, model.classTokens],
    "model.includePatch": [shape.includePatch, model.includePatch],
    "model.head.prototypes": [head?.prototypes, model.head.prototypes],
    "model.head.hiddenWidth": [head?.hiddenWidth, model.head.hiddenWidth],
    "model.head.bottleneckWidth": [head?.bottleneckWidth, model.head.bottleneckWidth],
    "model.head.batchNorm": [head?.batchNorm, model.head.batchNorm],
    "crops.globalSize": [imageSize, crops.globalSize],
    ...(heads === undefined ? {} : { "model.heads": [heads, model.heads] }),
  };
  for (const [key, [stored, set]] of Object.entries(expected)) {
    if (stored === set) continue;
    throw new RunError(`${key}: expected ${stored} as in ${source.path}, received ${set}`, {
      hint: "leave it out of --set: the weights are of this shape",
    });
  }
}
