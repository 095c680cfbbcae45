/** The configuration of a foreign training checkpoint: its model as its tensors have it, the rest as its arguments say. */
import type { Layer } from "../config/layer.js";
import { mergeLayers, singleValue } from "../config/layer.js";
import { ARCHITECTURES, architectureShape } from "../config/presets.js";
import { REFERENCE_ARGUMENTS } from "../config/reference-arguments.js";
import type { WeightsFacts } from "../native/weights.js";
import type { CheckpointModel, CheckpointSource } from "./open-checkpoint.js";

/** What the tensors say better, and what belongs to the machine or the place where the file was made. */
const PASSED_OVER = new Set([
  "arch",
  "patch_size",
  "out_dim",
  "include_patch",
  "number_cls_token",
  "use_bn_in_head",
  "norm_last_layer",
  "use_fp16",
  "batch_size_per_gpu",
  "output_dir",
  "num_workers",
]);

/** Side of the local crops for global ones of 224 pixels: no argument of the reference says either. */
const PUBLISHED_SIZES = { global: 224, local: 96 } as const;

/** Values that lie on the defaults, each with its place for messages. */
export function referenceLayer(source: CheckpointSource): Layer {
  return mergeLayers([...argumentLayers(source), ...modelLayers(source), ...cropLayers(source.model)]);
}

function argumentLayers({ facts, path }: CheckpointSource): readonly Layer[] {
  const given = Object.entries(facts.arguments ?? {});
  const layers = given.flatMap(([argument, value]) => {
    const key = Object.hasOwn(REFERENCE_ARGUMENTS, argument) ? REFERENCE_ARGUMENTS[argument] : undefined;
    if (key === undefined || PASSED_OVER.has(argument)) return [];
    return [singleValue(key, value, `args.${argument} of ${path}`)];
  });
  return [...layers, ...precisionLayer(facts.arguments?.use_fp16, path), ...batchLayer(facts, path)];
}

/** Images in a step: those of one device times the devices, as far as the file says how many there were. */
export function batchOf({ arguments: given }: WeightsFacts): { size: unknown; devices: number | null } {
  const { batch_size_per_gpu: each, world_size: devices } = given ?? {};
  if (typeof each !== "number" || typeof devices !== "number") return { size: each, devices: null };
  return { size: each * devices, devices };
}

function batchLayer(facts: WeightsFacts, path: string): readonly Layer[] {
  const { size } = batchOf(facts);
  return size === undefined
    ? []
    : [singleValue("training.batchSize", size, `args.batch_size_per_gpu of ${path}`)];
}

/** Half precision means here what this machine does best: fp16, bf16, or fp32 where neither pays. */
function precisionLayer(fp16: unknown, path: string): readonly Layer[] {
  return fp16 === false ? [singleValue("precision", "fp32", `args.use_fp16 of ${path}`)] : [];
}

function modelLayers({ facts, model, path }: CheckpointSource): readonly Layer[] {
  const { width, depth, heads, mlpRatio, patchSize, classTokens, includePatch, srsHeads, head } = model;
  const norms = facts.normsFrozen ?? facts.arguments?.norm_last_layer;
  const values = {
    arch: archOf(model),
    width,
    depth,
    heads,
    mlpRatio,
    patchSize,
    classTokens,
    includePatch,
    srsHeads,
    "head.prototypes": head?.prototypes,
    "head.hiddenWidth": head?.hiddenWidth,
    "head.bottleneckWidth": head?.bottleneckWidth,
    "head.batchNorm": head?.batchNorm,
    "head.normLastLayer": norms,
  };
  const known = Object.entries(values).filter(([, value]) => value !== undefined);
  return known.map(([key, value]) => singleValue(`model.${key}`, value, path));
}

function archOf({ width, depth }: CheckpointModel): string | undefined {
  return ARCHITECTURES.find((name) => {
    const shape = architectureShape(name);
    return shape.width === width && shape.depth === depth;
  });
}

function cropLayers({ imageSize, patchSize }: CheckpointModel): readonly Layer[] {
  const scaled = Math.round((PUBLISHED_SIZES.local * imageSize) / PUBLISHED_SIZES.global / patchSize);
  const local = Math.max(2, scaled) * patchSize;
  return [
    singleValue("crops.globalSize", imageSize, "the positions of the model"),
    singleValue("crops.localSize", local, "the positions of the model"),
  ];
}
