/** `udi-native attention`: options only; what they start is loaded when they are right. */
import { Command, InvalidArgumentError, Option } from "commander";
import type { Config } from "../config/schema.js";
import type { SizeChoice } from "../evaluate/attention/prepared-image.js";
import { count } from "./option-values.js";

export interface AttentionChoice {
  readonly checkpoint: string;
  readonly out: string;
  /** False: no masks. */
  readonly threshold: number | false;
  readonly size: SizeChoice;
  readonly network?: "teacher" | "student";
  readonly heads?: number;
  readonly pca?: true;
  readonly smooth?: true;
  readonly separate?: true;
  readonly force?: true;
  readonly device: Config["device"];
  readonly precision: Config["precision"];
  readonly json?: true;
}

const AFTER = `
Makes one sheet for each image: where the class tokens (cls, cls+) look in the last block, a map for each head and their
mean, and masks of the patches that hold most of that attention. --pca adds the first three principal components of the
patch features as red, green and blue, of all patches and of the foreground alone. They are those of all images together,
so that a colour means the same in each. Background, left dark: the side of the first component that cls attends to less.

A folder stands for all images in it and below it, e.g. the frames of a video, in the order of their numbers.

Examples:
  udi-native attention cat.jpg --checkpoint runs/photos --out maps
  udi-native attention frames --checkpoint runs/photos --out maps --size 480x640 --pca --smooth
  udi-native attention cat.jpg --checkpoint checkpoint.pth --out maps --size 480x480 --separate
`;

export function attentionCommand(): Command {
  return new Command("attention")
    .description("draw what a trained network looks at: attention of its heads, masks, patch features")
    .argument("<images...>", "image files, or folders of images")
    .requiredOption("--checkpoint <path>", "a run, one of its checkpoints, or a file of weights")
    .requiredOption("--out <dir>", "folder of the pictures")
    .option("--threshold <share>", "share of the attention that a mask holds", share, 0.6)
    .option("--no-threshold", "no masks")
    .addOption(
      new Option("--size <size>", "shorter side in pixels, or height x width (480x640), or as-is")
        .argParser(size)
        .default({ kind: "shorter", side: 480 }, "480"),
    )
    .addOption(
      new Option("--network <name>", "default: the teacher, or the only network of the file").choices([
        "teacher",
        "student",
      ]),
    )
    .option("--heads <count>", "attention heads, where the file does not say it", count)
    .option("--pca", "colour patches by their features")
    .option("--smooth", "blend neighbouring patches in maps and colours")
    .option("--separate", "also each map as a file: NAME/img.png, NAME/cls/attn-head0.png, ...")
    .option("--force", "replace earlier pictures in the folder")
    .option("--device <name>", "auto, cpu, cuda or cuda:1", device, "auto")
    .addOption(
      new Option("--precision <name>", "numbers of the network")
        .choices(["auto", "fp32", "bf16", "fp16"])
        .default("auto"),
    )
    .option("--json", "print one JSON object")
    .addHelpText("after", AFTER)
    .action(async (images: readonly string[], choice: AttentionChoice) => {
      const { runAttention } = await import("./attention.js");
      await runAttention(images, choice);
    });
}

function device(text: string): Config["device"] {
  if (/^(auto|cpu|cuda(:\d{1,4})?)$/.test(text)) return text as Config["device"];
  throw new InvalidArgumentError("expected auto, cpu, cuda, or a device by number like cuda:1");
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value > 0 && value < 1) return value;
  throw new InvalidArgumentError("expected a share between 0 and 1, e.g. 0.6");
}

function size(text: string): SizeChoice {
  if (text === "as-is") return { kind: "as-is" };
  const sides = text.split("x");
  if (sides.length > 2)
    throw new InvalidArgumentError("expected a side in pixels, height x width, or as-is: 480, 480x640");
  const [height = 0, width] = sides.map(count);
  return width === undefined ? { kind: "shorter", side: height } : { kind: "exact", height, width };
}
