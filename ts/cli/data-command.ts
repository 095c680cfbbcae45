/** `udi-native data`: what is in a data set. */
import { Command, Option } from "commander";
import { PATH_KINDS } from "../config/data-kinds.js";
import { wholeNumber } from "./option-values.js";

export interface DataCheckChoice {
  readonly kind: string;
  readonly workers?: number;
  readonly badList?: string;
  readonly json?: true;
}

const AFTER = `
Reads and decodes every image once, as training does, and reports counts, classes, sizes, formats, files that cannot be
used, and files of the same content. The report goes to stdout, progress to stderr. Exit status: 0 every image is usable
(duplicates are told, and no error), 1 some are not, 2 the data cannot be opened.

--bad-list writes one line for each unusable file: its path, a tab, the reason. To remove them all:
  cut -f1 bad.tsv | xargs -d '\\n' rm
`;

export function dataCommand(): Command {
  return new Command("data").description("look into a data set").addCommand(checkCommand());
}

function checkCommand(): Command {
  return new Command("check")
    .description("read every image once and report what is there and what is wrong")
    .argument("<path>", "a folder of images, a list of files, or tar shards")
    .addOption(
      new Option("--kind <kind>", "how the path is read (data.kind)")
        .choices(["auto", ...PATH_KINDS])
        .default("auto"),
    )
    .option("--workers <count>", "images in work at once (default: the number of cores)", wholeNumber(1))
    .option("--bad-list <file>", "also write the unusable files to this file")
    .option("--json", "print one JSON object, with every file that is named")
    .addHelpText("after", AFTER)
    .action(async (path: string, choice: DataCheckChoice) => {
      const { runDataCheck } = await import("./data-check.js");
      await runDataCheck(path, choice);
    });
}
