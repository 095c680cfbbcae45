/** Runs `udi-native evaluate linear`: progress and remarks on stderr, the result on stdout. */
import pc from "picocolors";
import { BASELINE_MEANINGS } from "../evaluate/baselines/baseline.js";
import { type CheckpointProbe, probeCheckpoint } from "../evaluate/linear/probe-checkpoint.js";
import type { EvaluateLinearChoice } from "./evaluate-linear-command.js";
import { Interruption } from "./interruption.js";
import { epochText, linearText, probeStartText } from "./linear-text.js";

export async function runEvaluateLinear(choice: EvaluateLinearChoice): Promise<void> {
  const say = (line: string) => console.error(line);
  using interruption = new Interruption({
    onStop: () => say("stopping: the epoch in progress is given up"),
    onLeave: () => {},
  });
  const { signal } = interruption;
  try {
    const result = await probe(choice, signal, say);
    console.log(choice.json ? JSON.stringify(result) : linearText(result));
  } catch (error) {
    if (error !== signal.reason || !signal.aborted) throw error;
    say(
      choice.out === undefined
        ? "stopped; nothing is kept without --out"
        : "stopped; the same command goes on",
    );
    process.exitCode = interruption.exitStatus ?? 1;
  }
}

async function probe(
  choice: EvaluateLinearChoice,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<CheckpointProbe> {
  const { checkpoint, train, val, out, network, heads, device, precision, threads, workers } = choice;
  const place = { checkpoint, train, val, out, network, heads, device, precision, threads, workers };
  let epochs = 0;
  const now = atMostEvery(PAUSE_MILLISECONDS, say);
  return probeCheckpoint({
    ...place,
    settings: given(choice),
    baselines: choice.baselines,
    onBaseline: (name) => say(`baseline: ${BASELINE_MEANINGS[name]}`),
    signal,
    onStart: (start) => {
      epochs = start.settings.epochs;
      say(probeStartText(start));
    },
    onFeatures: (part, done, total) => {
      if (done === total) say(`features of ${part}: ${total} images`);
      else now(`features of ${part}: ${done} of ${total} images`);
    },
    onImages: (epoch, done, total) => now(`epoch ${epoch}/${epochs}: ${done} of ${total} images`),
    onEpoch: (record) => say(epochText(record, epochs)),
    onRemark: (line) => say(`${pc.yellow("remark:")} ${line}`),
  });
}

/** From one line to the next while an epoch goes on. */
const PAUSE_MILLISECONDS = 10_000;

function atMostEvery(milliseconds: number, say: (line: string) => void): (line: string) => void {
  let last = performance.now();
  return (line) => {
    if (performance.now() - last < milliseconds) return;
    last = performance.now();
    say(line);
  };
}

type Settings = NonNullable<Parameters<typeof probeCheckpoint>[0]["settings"]>;

/** Only what the user gave. */
function given(choice: EvaluateLinearChoice): Settings {
  const { learningRate, lastBlocks, averagePatches, gridRates, gridBlocks } = choice;
  const { token, epochs, minimumRate, momentum, augment, imageSize, resizeTo } = choice;
  const { selectShare, evaluateEvery, seed } = choice;
  const views = { augment, imageSize, resizeTo };
  const flat = { token, epochs, minimumRate, momentum, ...views, selectShare, evaluateEvery, seed };
  return {
    ...present({ ...flat, batchSize: choice.batch }),
    reference: present({ learningRate, lastBlocks, averagePatches }),
    ...augmentation(choice),
    grid: choice.grid ? present({ learningRates: gridRates, lastBlocks: gridBlocks }) : null,
  };
}

function augmentation({ autoAugment, reprob, remode, recount }: EvaluateLinearChoice): Settings {
  const erasing = present({ probability: reprob, mode: remode, count: recount });
  return {
    ...(autoAugment === undefined ? {} : { autoAugment: autoAugment === "none" ? null : autoAugment }),
    ...(Object.keys(erasing).length === 0 ? {} : { erasing }),
  };
}

type Present<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(values: T): Present<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Present<T>;
}
