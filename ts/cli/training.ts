/** Runs `udi-native train`: configuration, signals, progress, result. */
import pc from "picocolors";
import { loadConfig } from "../config/load.js";
import { markForRequeue } from "../run/requeue.js";
import { train } from "../train/pretrain.js";
import type { TrainResult } from "../train/train-options.js";
import { IndexingProgress } from "./indexing-progress.js";
import { Interruption, type StopSignal } from "./interruption.js";
import type { TrainChoice } from "./train-command.js";
import { TrainProgress } from "./train-progress.js";
import { evaluationText, resultText, resumeCommand, resumeText, startText } from "./train-text.js";

/** Sets the exit status where a signal stopped the run; anything wrong is thrown. */
export async function runTraining(file: string | undefined, choice: TrainChoice): Promise<void> {
  const { data, out, set, init, resume } = choice;
  const config = loadConfig({ file, set, data, out, init });
  // A reader that is gone, or a terminal that was closed, must not end the run before its checkpoint.
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  using progress = new TrainProgress();
  using indexing = new IndexingProgress();
  using interruption = new Interruption({
    onStop: () =>
      progress.say(
        "stopping: what is begun is finished and a checkpoint written; Ctrl-C (again) leaves at once",
      ),
    onLeave: () => progress[Symbol.dispose](),
  });
  const result = await train(config, {
    mode: resume ? "resume" : "start",
    signal: interruption.signal,
    onIndexing: (names) => indexing.report(names),
    onStart: (start) => {
      indexing[Symbol.dispose]();
      progress.say(startText(start));
      progress.start(start);
    },
    onStep: (record, samples) => progress.step(record, samples),
    onEvaluation: (record) => progress.say(evaluationText(record, config.init)),
    onRemark: (line) => {
      indexing[Symbol.dispose]();
      progress.say(`${pc.yellow("remark:")} ${line}`);
    },
  });
  progress[Symbol.dispose]();
  if (result.outcome === "finished") return console.log(resultText(result, config.init));
  if (interruption.requeue !== null) await requeue(result, interruption.requeue);
  console.error(resumeText(result));
  process.exitCode = interruption.exitStatus ?? 0;
}

function requeue({ folder, step }: TrainResult, signal: StopSignal): Promise<void> {
  const time = new Date().toISOString();
  return markForRequeue(folder, { signal, step, time, command: resumeCommand(folder, folder) });
}
