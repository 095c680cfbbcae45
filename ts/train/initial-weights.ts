/** A new run that starts from given weights in place of random ones. */
import type { ResolvedConfig } from "../config/resolved.js";
import { ConfigError } from "../errors.js";
import type { AdoptedParameter, Native } from "../native/engine.js";
import { type CheckpointSource, chooseNetwork, openCheckpoint } from "../weights/open-checkpoint.js";
import type { Remark } from "./training-data.js";

/** Starts both networks from the teacher of the checkpoint `init`, or its only network, and tells what was taken. */
export async function startFromWeights(
  native: Pick<Native, "startFrom">,
  { init, model }: Pick<ResolvedConfig, "init" | "model">,
  onRemark: Remark,
): Promise<void> {
  if (init === null) return;
  const source = await openCheckpoint(init);
  requireSameBlocks(source, model);
  const network = chooseNetwork(source);
  const adopted = await native.startFrom(source.file, network);
  for (const remark of source.remarks) onRemark(`init: ${remark}`);
  for (const line of adoptionLines(adopted)) onRemark(`init: the ${network} of ${source.path}: ${line}`);
}

const WORDS: Readonly<Record<AdoptedParameter["fate"], string>> = {
  loaded: "loaded",
  resampled: "resampled to the grid of this model's images",
  "first tokens": "taken for the first class token only",
  fresh: "missing or of another shape, so new",
};

/** One line for each fate: how many parameters of which parts. */
export function adoptionLines(adopted: readonly AdoptedParameter[]): string[] {
  const fates = Object.keys(WORDS) as AdoptedParameter["fate"][];
  return fates.flatMap((fate) => {
    const names = adopted.filter((parameter) => parameter.fate === fate).map(({ name }) => name);
    if (names.length === 0) return [];
    const parts = new Map<string, number>();
    for (const part of names.map(partOf)) parts.set(part, (parts.get(part) ?? 0) + 1);
    const told = [...parts].map(([part, count]) => (count === 1 ? part : `${part} (${count})`));
    return [`${WORDS[fate]}: ${told.join(", ")}`];
  });
}

/** Blocks and layers by the name of their part; what stands alone by its own. */
function partOf(name: string): string {
  const own = name.replace(/^backbone\.backbone\./, "");
  if (own.startsWith("blocks.")) return "blocks";
  if (own.startsWith("head.")) return "head";
  if (own.startsWith("backbone.")) return "sampling";
  return own.replace(/\.(weight|bias)$/, "");
}

/** Of another width or depth nothing of the blocks would fit, or some of them would be missing. */
function requireSameBlocks({ model, path }: CheckpointSource, wanted: ResolvedConfig["model"]): void {
  const keys = ["width", "depth", "mlpRatio", ...(model.headsGuessed ? [] : (["heads"] as const))] as const;
  const differing = keys.filter((key) => model[key] !== wanted[key]);
  if (differing.length === 0) return;
  const both = differing.map((key) => `model.${key} ${model[key]} (here ${wanted[key]})`);
  throw new ConfigError(`init: expected a model as in ${path}, with ${both.join(", ")}`, {
    hint: differing.map((key) => `--set model.${key}=${model[key]}`).join(" "),
  });
}
