/** Fresh weights of the shape of a checkpoint, as a file that any evaluation opens. */
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openEngine } from "../../native/engine.js";
import type { NativeOptions } from "../../native/types.js";
import type { CheckpointModel } from "../../weights/open-checkpoint.js";
import { UNTRAINED_SEED } from "./baseline.js";

/** The backbone's parts of a checkpoint's shape: with them the fresh backbone is that of a new run of this seed. */
export type BackboneShape = Pick<
  CheckpointModel,
  "width" | "depth" | "heads" | "mlpRatio" | "patchSize" | "imageSize" | "classTokens"
>;

export interface UntrainedWeights extends AsyncDisposable {
  readonly file: string;
}

/** In `folder`, where they stay and are taken again; null: in a temporary one that goes with the result. */
export async function untrainedWeights(
  shape: BackboneShape,
  folder: string | null,
): Promise<UntrainedWeights> {
  const place = folder ?? (await mkdtemp(join(tmpdir(), "udi-untrained-")));
  const file = join(place, "untrained.safetensors");
  const dispose = async () => {
    if (folder === null) await rm(place, { recursive: true, force: true });
  };
  try {
    if (!existsSync(file)) await writeUntrained(shape, file);
  } catch (error) {
    await dispose();
    throw error;
  }
  return { file, [Symbol.asyncDispose]: dispose };
}

async function writeUntrained(shape: BackboneShape, file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await using engine = await openEngine(freshOptions(shape));
  await engine.save(file);
}

/** On the CPU, whose weights are the same everywhere; the head, which no evaluation reads, is as small as it gets. */
function freshOptions(shape: BackboneShape): NativeOptions {
  const { width, depth, heads, mlpRatio, patchSize, imageSize, classTokens } = shape;
  const backbone = { width, depth, heads, mlpRatio, patchSize, imageSize, classTokens };
  const head = { prototypes: 2, hiddenWidth: 1, bottleneckWidth: 1, batchNorm: false, normLastLayer: true };
  const rest = { includePatch: true, srsHeads: heads, dropPathRate: 0, checkpointBlocks: false, head };
  return {
    model: { ...backbone, ...rest },
    objective: { alpha: 0.5, studentTemperature: 0.1, centerMomentum: 0.9 },
    optimizer: { name: "sgd", clipGradient: 0, lossScale: 65536, accumulate: 1 },
    device: "cpu",
    precision: "fp32",
    seed: UNTRAINED_SEED,
    threads: 0,
  };
}
