/** Runs `udi-native embed`: progress and remarks on stderr, what was written on stdout. */
import pc from "picocolors";
import { embedFolder } from "../evaluate/embed-folder.js";
import type { EmbedChoice } from "./embed-command.js";
import { encoderRequest } from "./encoder-options.js";
import { skippedText } from "./evaluate-knn.js";
import { imageProgress } from "./image-progress.js";

export async function runEmbed(images: string, choice: EmbedChoice): Promise<void> {
  const say = (line: string) => console.error(line);
  const written = await embedFolder({
    ...encoderRequest(choice),
    images,
    out: choice.out,
    existing: choice.force ? "replace" : "refuse",
    onProgress: imageProgress("features", say),
  });
  for (const remark of written.remarks) say(`${pc.yellow("remark:")} ${remark}`);
  if (written.skipped.length > 0) say(skippedText(written.skipped));
  const { files, rows, features } = written;
  const columns = features.map(({ feature, width }) => `${feature} (${width})`).join(", ");
  console.log(choice.json ? JSON.stringify(written) : `${rows} rows of ${columns}\n${files.join("\n")}`);
}
