/** Runs `udi-native evaluate knn`: progress and remarks on stderr, the table on stdout. */
import pc from "picocolors";
import { type CheckpointKnn, evaluateCheckpointKnn } from "../evaluate/evaluate-knn.js";
import { encoderRequest } from "./encoder-options.js";
import type { EvaluateKnnChoice } from "./evaluate-knn-command.js";
import { imageProgress } from "./image-progress.js";

export async function runEvaluateKnn(choice: EvaluateKnnChoice): Promise<void> {
  const say = (line: string) => console.error(line);
  const { train, val, k, temperature, cache, json } = choice;
  const result = await evaluateCheckpointKnn({
    ...encoderRequest(choice),
    train,
    val,
    neighbours: k,
    temperature,
    cache: cache === false ? null : cache === true ? undefined : cache,
    onProgress: imageProgress("features", say),
    say,
  });
  for (const remark of result.remarks) say(`${pc.yellow("remark:")} ${remark}`);
  if (result.skipped.length > 0) say(skippedText(result.skipped));
  console.log(json ? JSON.stringify(result) : knnText(result));
}

/** A line for each feature and k. */
export function knnText(result: CheckpointKnn): string {
  const { features, network, trainImages, heldOutImages, classes, size, temperature } = result;
  const asked = heldOutImages === null ? "each judged by all others" : `${heldOutImages} images judged`;
  const head = `k-NN of the ${network}: ${trainImages} train images of ${classes} classes, ${asked}, ${size.crop} pixels, temperature ${temperature}`;
  const title = `${"feature".padEnd(10)}${"k".padStart(6)}${"top-1".padStart(10)}${"top-5".padStart(10)}`;
  const rows = features.flatMap(({ feature, scores }) =>
    scores.map(
      ({ neighbours, top1, top5 }) =>
        `${feature.padEnd(10)}${String(neighbours).padStart(6)}${percent(top1)}${percent(top5)}`,
    ),
  );
  return [head, title, ...rows].join("\n");
}

export function skippedText(skipped: readonly { readonly file: string; readonly reason: string }[]): string {
  const [first] = skipped;
  return `left out: ${skipped.length} files that cannot be decoded, the first is ${first?.file}: ${first?.reason}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`.padStart(10);
}
