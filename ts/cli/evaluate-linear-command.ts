/** `udi-native evaluate linear`: options only; what they start is loaded when they are right. */
import { Command, InvalidArgumentError, Option } from "commander";
import { count } from "./option-values.js";

export interface EvaluateLinearChoice {
  readonly checkpoint: string;
  readonly train: string;
  readonly val: string;
  readonly out?: string;
  readonly network?: "teacher" | "student";
  readonly heads?: number;
  readonly token?: "cls" | "cls+" | "cls,cls+";
  readonly learningRate?: number;
  readonly lastBlocks?: number;
  readonly averagePatches?: boolean;
  /** False: `--no-grid`. */
  readonly grid: boolean;
  readonly gridRates?: readonly number[];
  readonly gridBlocks?: readonly number[];
  readonly epochs?: number;
  readonly batch?: number;
  readonly minimumRate?: number;
  readonly momentum?: number;
  readonly augment?: boolean;
  readonly autoAugment?: string;
  readonly reprob?: number;
  readonly remode?: "const" | "rand" | "pixel";
  readonly recount?: number;
  readonly imageSize?: number;
  readonly resizeTo?: number;
  readonly selectShare?: number;
  readonly evaluateEvery?: number;
  readonly seed?: number;
  readonly baselines?: true;
  readonly device?: "auto" | "cpu" | "cuda" | `cuda:${number}`;
  readonly precision?: "fp32" | "bf16" | "fp16";
  readonly threads?: number;
  readonly workers?: number;
  readonly json?: true;
}

const AFTER = `
The reference's classifier, with the settings above, is trained together with a grid of others in one pass over the images. The
one that is best on a part of train that is held out is reported on val, with a 95 % bootstrap interval. --select-share 0
holds nothing out: the reference's classifier alone is reported, trained on all of train, as in the reference.

The augmentation is the reference's: flip, RandAugment, random crop, random erasing. With --auto-augment none --reprob 0 it is
DINO's: random crop and flip.

--baselines trains the same classifiers on the same network with fresh weights (seed 0), and on raw pixels: the RGB values of
the same view, at most 32 pixels wide, less the mean of the image.

The state is kept in --out after each epoch; the same command goes on from there.

Examples:
  udi-native evaluate linear --checkpoint runs/photos --train photos/train --val photos/val --out probes/photos
  udi-native evaluate linear --checkpoint runs/photos --train photos/train --val photos/val --augment false --epochs 30
  udi-native evaluate linear --checkpoint runs/photos --train photos/train --val photos/val --auto-augment none --reprob 0
  udi-native evaluate linear --checkpoint udi.pth --train imagenet/train --val imagenet/val --no-grid --select-share 0 --json
`;

export function evaluateLinearCommand(): Command {
  return new Command("linear")
    .description("train linear classifiers on frozen features and measure the best")
    .requiredOption("--checkpoint <path>", "a run, one of its checkpoints, or a file of weights")
    .requiredOption("--train <dir>", "images to train on, one folder for each class")
    .requiredOption("--val <dir>", "images to measure on, with the same class folders")
    .option("--out <dir>", "keep state, log and result here, and go on from there")
    .addOption(
      new Option("--network <name>", "default: the teacher, or the only network of the file").choices([
        "teacher",
        "student",
      ]),
    )
    .option("--heads <count>", "attention heads, where the file does not say it", count)
    .addOption(
      new Option("--token <name>", "class tokens of a block that are its feature (default: cls)").choices([
        "cls",
        "cls+",
        "cls,cls+",
      ]),
    )
    .option(
      "--learning-rate <rate>",
      "of the reference's classifier, for a batch of 256 (default: 0.02)",
      number,
    )
    .option("--last-blocks <n>", "blocks that it sees (default: 4; 1 from width 768 on)", count)
    .option(
      "--average-patches <bool>",
      "mean of the patches too (default: false; true from width 768 on)",
      truth,
    )
    .option("--no-grid", "the reference's classifier alone")
    .option("--grid-rates <list>", "learning rates of the grid (default: those of DINOv2)", list(number))
    .option("--grid-blocks <list>", "last blocks of the grid (default: 1,4)", list(count))
    .option("--epochs <n>", "passes over the train images (default: 100)", count)
    .option("--batch <images>", "images of a step (default: 256)", count)
    .option("--minimum-rate <rate>", "learning rate at the end of the cosine (default: 0)", number)
    .option("--momentum <share>", "of SGD (default: 0.9)", number)
    .option(
      "--augment <bool>",
      "augmentation anew in each epoch; false: features of the centre crops, computed once (default: true)",
      truth,
    )
    .option(
      "--auto-augment <policy>",
      "RandAugment of the whole image before its crop; none: crops and flips alone (default: rand-m9-mstd0.5-inc1)",
    )
    .option("--reprob <share>", "crops of which a box is erased; 0: none (default: 0.25)", number)
    .addOption(
      new Option(
        "--remode <name>",
        "what stands there then: the mean, one colour of noise, noise (default: pixel)",
      ).choices(["const", "rand", "pixel"]),
    )
    .option("--recount <n>", "most boxes of a crop (default: 1)", count)
    .option("--image-size <side>", "side that the network sees (default: that of its positions)", count)
    .option("--resize-to <side>", "of centre crops' shorter side before (default: 256/224 of it)", count)
    .option("--select-share <share>", "of train, held out to choose the best (default: 0.1)", number)
    .option("--evaluate-every <epochs>", "from one evaluation to the next (default: 1)", count)
    .option("--seed <n>", "of weights, order, crops, held-out part and bootstrap (default: 0)", number)
    .option("--baselines", "the same of the untrained network and of raw pixels")
    .option("--device <name>", "cpu, cuda, cuda:1 (default: auto)")
    .addOption(
      new Option("--precision <name>", "of the frozen network (default: fp32)").choices([
        "fp32",
        "bf16",
        "fp16",
      ]),
    )
    .option("--threads <n>", "CPU threads (default: as for training)", count)
    .option("--workers <n>", "images decoded at once (default: as for training)", count)
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER)
    .action(async (choice: EvaluateLinearChoice) => {
      const { runEvaluateLinear } = await import("./evaluate-linear.js");
      await runEvaluateLinear(choice);
    });
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value >= 0) return value;
  throw new InvalidArgumentError("expected a number of at least 0");
}

function truth(text: string): boolean {
  if (text === "true" || text === "false") return text === "true";
  throw new InvalidArgumentError("expected true or false");
}

function list(part: (text: string) => number): (text: string) => readonly number[] {
  return (text) => text.split(",").map(part);
}
