/** The weighted nearest-neighbour vote, computed by the engine's library on a thread of its own. */
import type * as addon from "./addon.js";
import {
  finiteNumber,
  float32Array,
  int32Array,
  list,
  record,
  type Unchecked,
  wholeNumber,
} from "./argument-checks.js";
import { checkDevice } from "./check-options.js";
import { delegate } from "./delegate.js";
import { engineAddon } from "./engine-addon.js";
import type { NeighbourScore, NeighbourVote } from "./types.js";

/** The table of votes has a column for each class. */
const MOST_CLASSES = 2 ** 20;

/** One score for each number of neighbours, in the order asked for. */
export async function neighbourVote(vote: NeighbourVote): Promise<NeighbourScore[]> {
  const checked = checkVote(vote);
  return delegate(() => engineAddon().neighbourVote(checked));
}

function checkVote(value: unknown): addon.NeighbourVote {
  const vote = record("vote", value);
  return {
    train: float32Array("train", vote.train),
    trainLabels: int32Array("trainLabels", vote.trainLabels),
    ...checkTest(vote),
    width: wholeNumber("width", vote.width, 1),
    classes: wholeNumber("classes", vote.classes, 1, MOST_CLASSES),
    neighbours: list("neighbours", vote.neighbours, (name, value) => wholeNumber(name, value, 1)),
    temperature: finiteNumber("temperature", vote.temperature),
    device: vote.device === undefined ? "cpu" : checkDevice(vote.device),
  };
}

/** Nothing where the train rows judge each other. */
function checkTest({ test, testLabels }: Unchecked): Pick<addon.NeighbourVote, "test" | "testLabels"> {
  if (test === null && testLabels === null) return {};
  return { test: float32Array("test", test), testLabels: int32Array("testLabels", testLabels) };
}
