/** `udi-native bench`: how fast this machine is. */
import { Command } from "commander";
import { benchViewsCommand } from "./bench-views-command.js";
import { count, wholeNumber } from "./option-values.js";

export interface BenchStepChoice {
  readonly arch?: string;
  readonly batch?: string;
  readonly locals?: string;
  readonly outDim?: string;
  readonly accumulate?: string;
  readonly checkpointBlocks?: true;
  readonly precision?: string;
  readonly device?: string;
  readonly threads?: string;
  readonly steps: number;
  readonly warmUp: number;
  readonly profile?: true;
  readonly trace?: string;
  readonly json?: true;
}

export function benchCommand(): Command {
  return new Command("bench")
    .description("measure this machine")
    .addCommand(stepCommand())
    .addCommand(benchViewsCommand());
}

function stepCommand(): Command {
  return new Command("step")
    .description("time training steps on synthetic views with real geometry")
    .option("--arch <name>", "architecture (model.arch, default vit_small)")
    .option("--batch <images>", "images in a step (training.batchSize, default 4)")
    .option("--locals <crops>", "local crops of each image (crops.localCrops, default 10)")
    .option("--out-dim <count>", "prototypes (model.head.prototypes, default 65536)")
    .option(
      "--accumulate <parts>",
      "parts of the images, one after the other (optimizer.accumulate, default 1)",
    )
    .option("--checkpoint-blocks", "compute blocks again in the backward pass (model.checkpointBlocks)")
    .option("--precision <name>", "fp32, bf16 or fp16 (default auto)")
    .option("--device <name>", "cpu, cuda or cuda:1 (default auto)")
    .option("--threads <count>", "CPU threads of tensor operations (default auto)")
    .option("--steps <count>", "steps that are timed", count, 5)
    .option("--warm-up <count>", "steps before them", wholeNumber(0), 1)
    .option("--profile", "also say where the time goes; a GPU then finishes each phase before the next")
    .option("--trace <file>", "record two more steps, for chrome://tracing or Perfetto to show")
    .option("--json", "print one JSON object")
    .action(async (choice: BenchStepChoice) => {
      const { runBenchStep } = await import("./bench-step.js");
      await runBenchStep(choice);
    });
}
