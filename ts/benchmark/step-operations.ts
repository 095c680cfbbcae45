/**
 * Floating-point operations of the matrix products of one step, counted as spec/method.md section 7 leaves them: the
 * teacher's backbone once, class tokens alone in the last block of local crops, no projection of pooled samples twice.
 * A multiplication and an addition are two operations; a backward pass costs two forward passes.
 */
import type { ModelOptions } from "../native/types.js";
import type { ImageRecipe } from "../recipe/types.js";

/** What a step computes on. */
export interface StepSize {
  readonly images: number;
  readonly localCrops: number;
  readonly localSize: number;
  /** Samples of each pair of global crops, and of each pair with a local crop. */
  readonly samples: { readonly global: number; readonly local: number };
  /** Valid samples of the whole batch, likewise. */
  readonly valid: { readonly global: number; readonly local: number };
}

/** The size of a batch, from the recipes of its images. */
export function stepSize(recipes: readonly ImageRecipe[], localSize: number): StepSize {
  const maps = recipes.flatMap(({ maps: of }) => (of === null ? [] : [of]));
  const globals = maps.flatMap(({ globalTarget }) => globalTarget);
  const locals = maps.flatMap(({ localTarget }) => localTarget);
  const rows = (weights: Float32Array) => weights.length / 4;
  const isRow = (_: number, place: number) => place % 4 === 0;
  const validRows = (weights: Float32Array) => weights.filter(isRow).filter((weight) => weight > 0).length;
  const sum = (targets: readonly { weights: Float32Array }[]) =>
    targets.reduce((total, { weights }) => total + validRows(weights), 0);
  return {
    images: recipes.length,
    localCrops: recipes[0]?.locals.length ?? 0,
    localSize,
    samples: {
      global: rows(globals[0]?.weights ?? new Float32Array()),
      local: rows(locals[0]?.weights ?? new Float32Array()),
    },
    valid: { global: sum(globals), local: sum(locals) },
  };
}

/** Operations of one training step. */
export function stepOperations(model: ModelOptions, size: StepSize): number {
  const globals = 2 * size.images;
  const locals = size.localCrops * size.images;
  const read = model.includePatch ? "all tokens" : "class tokens";
  const globalView = backbone(model, model.imageSize, read);
  const localView = locals === 0 ? 0 : backbone(model, size.localSize, "class tokens");
  const classRows = model.classTokens * (globals + locals);
  const patchRows = model.includePatch ? size.valid.global : 0;
  const samples = size.samples.global + size.localCrops * size.samples.local;
  const student =
    globals * (globalView + sampling(model, size.samples.global)) +
    locals * localView +
    (classRows + patchRows) * (head(model) + prototypes(model));
  const plusRows = model.classTokens === 2 ? globals + 2 * locals : 0;
  const teacher =
    globals * (globalView + sampling(model, samples)) +
    (globals + (model.includePatch ? size.valid.global + size.valid.local : 0)) * head(model) +
    (globals + plusRows + patchRows) * prototypes(model);
  return 3 * student + teacher;
}

/** One image of this side through the backbone. */
function backbone(model: ModelOptions, side: number, read: "all tokens" | "class tokens"): number {
  const patches = (side / model.patchSize) ** 2;
  const tokens = model.classTokens + patches;
  const embedding = 2 * patches * 3 * model.patchSize ** 2 * model.width;
  const last = read === "all tokens" ? tokens : model.classTokens;
  return embedding + (model.depth - 1) * block(model, tokens, tokens) + block(model, tokens, last);
}

/** One block with the queries of some of its tokens. */
function block({ width, mlpRatio }: ModelOptions, tokens: number, queries: number): number {
  const keysAndValues = 2 * tokens * width * 2 * width;
  return keysAndValues + queries * (2 * width * width * (2 + 2 * mlpRatio) + 4 * tokens * width);
}

/** One crop through the sampling attention. */
function sampling(model: ModelOptions, samples: number): number {
  if (!model.includePatch) return 0;
  const tokens = (model.imageSize / model.patchSize) ** 2;
  return block({ ...model, mlpRatio: 0 }, tokens, samples);
}

/** One row through the head, up to its bottleneck vector. */
function head({ width, head: { hiddenWidth, bottleneckWidth } }: ModelOptions): number {
  return 2 * (width * hiddenWidth + hiddenWidth ** 2 + hiddenWidth * bottleneckWidth);
}

/** One bottleneck vector against all prototypes. */
function prototypes({ head: { prototypes: count, bottleneckWidth } }: ModelOptions): number {
  return 2 * count * bottleneckWidth;
}
