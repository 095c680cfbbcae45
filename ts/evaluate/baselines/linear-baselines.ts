/** The linear probe on features for which nothing was learned, each held against the checkpoint's. */
import { join } from "node:path";
import { openEncoder } from "../../native/encoder.js";
import { evaluateLinear, type LinearRequest } from "../linear/linear.js";
import type { LinearResult } from "../linear/result.js";
import { linearSettings } from "../linear/settings.js";
import type { CheckpointEncoder } from "../open-encoder.js";
import { BASELINE_MEANINGS, type BaselineName } from "./baseline.js";
import { pixelEncoder, pixelView } from "./pixels.js";
import { untrainedWeights } from "./untrained-weights.js";

export interface LinearBaseline {
  readonly name: BaselineName;
  /** What it is, in words. */
  readonly meaning: string;
  /** Top-1 of the checkpoint less that of the baseline. */
  readonly difference: number;
  readonly result: LinearResult;
}

export interface LinearBaselinesRequest {
  /** The checkpoint's probe. Baselines are kept in folders of their own in its `out`. */
  readonly probe: LinearRequest;
  readonly result: LinearResult;
  readonly opened: CheckpointEncoder;
  readonly onBaseline?: ((name: BaselineName) => void) | undefined;
}

type Probed = Pick<LinearRequest, "encoder" | "file" | "network" | "settings">;

export async function linearBaselines(request: LinearBaselinesRequest): Promise<readonly LinearBaseline[]> {
  const { probe, opened } = request;
  const { out = null, settings } = probe;
  const weights = { ...opened.options, network: "teacher" } as const;
  await using fresh = await untrainedWeights(opened.source.model, out);
  await using encoder = await openEncoder({ ...weights, file: fresh.file });
  const untrained = { encoder, file: fresh.file, network: "teacher", settings };
  return [
    await baseline(request, "untrained", untrained),
    await baseline(request, "pixels", { ...pixels(probe), file: probe.file, network: "pixels" }),
  ];
}

async function baseline(
  { probe, result: checkpoint, onBaseline }: LinearBaselinesRequest,
  name: BaselineName,
  probed: Probed,
): Promise<LinearBaseline> {
  onBaseline?.(name);
  const out = probe.out === undefined ? undefined : join(probe.out, name);
  const result = await evaluateLinear({ ...probe, ...probed, out });
  return { name, meaning: BASELINE_MEANINGS[name], difference: checkpoint.top1 - result.top1, result };
}

/** One block without patches is all that there is, and no normalised values of which a box could be erased. */
function pixels({ settings }: LinearRequest): Pick<Probed, "encoder" | "settings"> {
  const { resizeTo, crop: imageSize } = pixelView({ resizeTo: settings.resizeTo, crop: settings.imageSize });
  const encoder = pixelEncoder({ resizeTo, crop: imageSize });
  const reference = { ...settings.reference, lastBlocks: 1, averagePatches: false };
  const grid = settings.grid && { ...settings.grid, lastBlocks: [1], averagePatches: [false] };
  const own = { token: "cls", erasing: null, imageSize, resizeTo, reference, grid } as const;
  const given = { ...settings, ...own };
  return { encoder, settings: linearSettings(given, encoder.model) };
}
