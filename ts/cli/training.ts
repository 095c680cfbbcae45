/** Runs `udi-native train`: configuration, signals, progress, result. */
import pc from "picocolors";
import { loadConfig } from "../config/load.js";
import { train } from "../train/pretrain.js";
import { IndexingProgress } from "./indexing-progress.js";
import { Interruption } from "./interruption.js";
import type { TrainChoice } from "./train-command.js";
import { TrainProgress } from "./train-progress.js";
import { evaluationText, resultText, resumeText, startText } from "./train-text.js";

/** Sets the exit status where a signal stopped the run; anything wrong is thrown. */
export async function runTraining(file: string | undefined, choice: TrainChoice): Promise<void> {
  const { data, out, set, resume } = choice;
  const config = loadConfig({ file, set, data, out });
  using progress = new TrainProgress();
  using indexing = new IndexingProgress();
  using interruption = new Interruption({
    onStop: () =>
      progress.say("stopping: this step is finished and a checkpoint written; again to leave at once"),
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
    onEvaluation: (record) => progress.say(evaluationText(record)),
    onRemark: (line) => {
      indexing[Symbol.dispose]();
      progress.say(`${pc.yellow("remark:")} ${line}`);
    },
  });
  progress[Symbol.dispose]();
  if (result.outcome === "finished") console.log(resultText(result));
  else console.error(resumeText(result));
  if (result.outcome === "interrupted") process.exitCode = interruption.exitStatus ?? 0;
}
