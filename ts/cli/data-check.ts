/** Runs `udi-native data check`. */
import { availableParallelism } from "node:os";
import type { PathKind } from "../config/data-kinds.js";
import { loadConfig } from "../config/load.js";
import { openImageSource } from "../dataset/image-source.js";
import { byteText } from "../number-text.js";
import { type CheckProgress, checkData } from "../survey/check-data.js";
import type { CheckReport } from "../survey/report.js";
import { countingProgress } from "./counting-progress.js";
import { checkText } from "./data-check-text.js";
import type { DataCheckChoice } from "./data-command.js";
import { openingReport } from "./opening-report.js";
import { outputFile } from "./output-file.js";

/** Sets the exit status 1 where an image is unusable; data that cannot be opened is thrown. */
export async function runDataCheck(path: string, choice: DataCheckChoice): Promise<void> {
  const list = choice.badList === undefined ? null : await outputFile("--bad-list", choice.badList);
  const remarks: string[] = [];
  using opening = openingReport({ onRemark: (line) => remarks.push(line) });
  const source = await openImageSource(path, choice.kind as "auto" | PathKind, opening);
  opening[Symbol.dispose]();
  const { crops, data } = loadConfig({ file: "defaults" });
  using progress = countingProgress(source.count, "images");
  const report = await checkData({
    source,
    workers: choice.workers ?? availableParallelism(),
    maxPixels: data.maxPixels,
    crops: [crops.globalSize, crops.localSize],
    onProgress: (state) => progress.show(state.done, detail(state)),
  });
  progress[Symbol.dispose]();
  await list?.write(badLines(report));
  console.log(choice.json ? JSON.stringify({ ...report, remarks }) : checkText(report));
  if (report.bad.length > 0) process.exitCode = 1;
}

function detail({ bad, bytes }: CheckProgress): string {
  return bad === 0 ? byteText(bytes) : `${byteText(bytes)}  ${bad} unusable`;
}

/** A tab or a line break in a name would make two columns or lines of it. */
function* badLines({ bad }: CheckReport): Generator<string> {
  for (const { file, reason } of bad) yield `${file.replace(/[\t\n\r]/g, "?")}\t${reason}\n`;
}
