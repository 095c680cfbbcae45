/** The shape of the model that a configuration asks for. */
import { type ArchitectureShape, architectureShape } from "./presets.js";
import type { Config } from "./schema.js";
import { type Reasons, settle } from "./settle.js";

export interface ModelShape extends ArchitectureShape {
  /** Heads of the sampling attention. */
  readonly srsHeads: number;
  readonly classTokens: 1 | 2;
}

/** Settles what of the model is "auto"; keys that are given override the named architecture. */
export function modelShape(model: Config["model"], reasons: Reasons = {}): ModelShape {
  const preset = architectureShape(model.arch);
  const fromPreset = (key: keyof ArchitectureShape) =>
    settle(reasons, `model.${key}`, model[key], () => [preset[key], model.arch]);
  const heads = fromPreset("heads");
  return {
    width: fromPreset("width"),
    depth: fromPreset("depth"),
    heads,
    mlpRatio: fromPreset("mlpRatio"),
    srsHeads: settle(reasons, "model.srsHeads", model.srsHeads, () => [heads, "as many as model.heads"]),
    classTokens: settle(reasons, "model.classTokens", model.classTokens, () =>
      model.includePatch ? [2, "cls and cls+"] : [1, "without patches there is no cls+"],
    ),
  };
}
