/** Files of weights, read and written on threads of their own; values never become numbers of JavaScript. */
import { RunError } from "../errors.js";
import type * as addon from "./addon.js";
import { choice, fileName, wholeNumber } from "./argument-checks.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";

/** `backbone`: the only network of a file that says no more of it. */
export type NetworkName = "student" | "teacher" | "backbone";

export const NETWORKS: readonly NetworkName[] = ["student", "teacher", "backbone"];

/** What a file of weights holds, as far as it says so itself. */
export interface WeightsFacts {
  readonly format: "safetensors" | "torch zip" | "torch legacy";
  /** Whose names its tensors have. */
  readonly naming: "udi-native" | "udi" | "dino" | "timm";
  readonly bytes: number;
  readonly networks: readonly NetworkName[];
  readonly shape: WeightsShape;
  /** Attention heads leave no trace in the tensors' shapes. */
  readonly heads: number | null;
  /** Epochs trained. */
  readonly epoch: number | null;
  /** Steps made: of a foreign file the updates that its optimiser has counted. */
  readonly steps: number | null;
  /** Arguments of the run that it is of. */
  readonly arguments: Readonly<Record<string, unknown>> | null;
  readonly optimizer: "adamw" | "sgd" | "lars" | null;
  /** Whether the prototypes' norms are left out of the training. */
  readonly normsFrozen: boolean | null;
  readonly centers: boolean;
  /** What a reader should know of how its tensors are taken, a line each. */
  readonly remarks: readonly string[];
}

/** The shape of a model, told from its tensors. */
export interface WeightsShape {
  readonly width: number;
  readonly depth: number;
  readonly mlpRatio: number;
  readonly patchSize: number;
  readonly imageSize: number;
  readonly classTokens: number;
  /** Whether the sampling attention of the patch level is there. */
  readonly sampling: boolean;
  readonly head: WeightsHead | null;
}

export interface WeightsHead {
  readonly prototypes: number;
  readonly hiddenWidth: number;
  readonly bottleneckWidth: number;
  readonly batchNorm: boolean;
}

/** Weights of a part of a network. */
export interface WeightsMeasure {
  readonly part: "backbone" | "sampling" | "head";
  /** Number of values. */
  readonly count: number;
  /** L2 norm of those that are finite. */
  readonly norm: number;
  readonly nan: number;
  readonly infinite: number;
}

export interface WrittenWeights {
  readonly sha256: string;
  readonly bytes: number;
}

/** How a state is completed that is made of a foreign file. */
export interface StateOptions {
  /** The rule that the run goes on with. */
  readonly optimizer: "adamw" | "sgd" | "lars";
  readonly normsFrozen: boolean;
  readonly steps: number;
}

/** Reads what a file says of itself. Rejects with RunError where it is damaged, hostile or holds no such model. */
export async function openWeights(file: string): Promise<WeightsFacts> {
  const name = fileName("file", file);
  const facts = await delegate(() => engineAddon().openWeights(name)).catch((error: unknown) => {
    throw withWayOut(error);
  });
  return {
    ...(facts as unknown as WeightsFacts),
    shape: { ...facts.shape, head: facts.shape.head ?? null },
    heads: facts.heads ?? null,
    epoch: facts.epoch ?? null,
    steps: facts.steps ?? null,
    arguments:
      facts.arguments === undefined ? null : (JSON.parse(facts.arguments) as Record<string, unknown>),
    optimizer: (facts.optimizer as WeightsFacts["optimizer"] | undefined) ?? null,
    normsFrozen: facts.normsFrozen ?? null,
  };
}

/** What can be done about a file that cannot be used. */
function withWayOut(error: unknown): unknown {
  if (!(error instanceof RunError)) return error;
  const hint = error.message.includes("which is not run")
    ? "in Python, torch.save(model.state_dict(), FILE) writes the tensors alone"
    : "bring the file again from where it came, or name another one: UDI, DINO and timm's Vision Transformers are known";
  return new RunError(error.message, { hint, cause: error });
}

/** Norms of the parts that a network has. Reads all of its values. */
export async function measureWeights(file: string, network: NetworkName): Promise<readonly WeightsMeasure[]> {
  const [name, which] = [fileName("file", file), choice("network", network, NETWORKS)];
  const parts = await delegate(() => engineAddon().measureWeights(name, which));
  return parts as WeightsMeasure[];
}

/** Writes the state that an engine loads to go on with the run that the file is of. */
export async function writeState(file: string, options: StateOptions, out: string): Promise<WrittenWeights> {
  const [name, target] = [fileName("file", file), fileName("out", out)];
  const checked: addon.StateOptions = {
    optimizer: choice("optimizer", options.optimizer, ["adamw", "sgd", "lars"]),
    normsFrozen: options.normsFrozen === true,
    steps: wholeNumber("steps", options.steps, 0),
  };
  return delegate(() => engineAddon().writeState(name, checked, target));
}

/** Writes a network's backbone as fp32 safetensors under the names of a backbone-only file. */
export async function writeBackbone(
  file: string,
  network: NetworkName,
  heads: number,
  out: string,
): Promise<WrittenWeights> {
  const [name, target] = [fileName("file", file), fileName("out", out)];
  const [which, count] = [choice("network", network, NETWORKS), wholeNumber("heads", heads, 1)];
  return delegate(() => engineAddon().writeBackbone(name, which, count, target));
}
