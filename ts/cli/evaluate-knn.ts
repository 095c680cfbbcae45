/** Runs `udi-native evaluate knn`: progress and remarks on stderr, the table on stdout. */
import pc from "picocolors";
import { type CheckpointKnn, type CheckpointScore, evaluateCheckpointKnn } from "../evaluate/evaluate-knn.js";
import { encoderRequest } from "./encoder-options.js";
import type { EvaluateKnnChoice } from "./evaluate-knn-command.js";
import { imageProgress } from "./image-progress.js";

export async function runEvaluateKnn(choice: EvaluateKnnChoice): Promise<void> {
  const say = (line: string) => console.error(line);
  const { train, val, k, temperature, baselines, cache, json } = choice;
  const result = await evaluateCheckpointKnn({
    ...encoderRequest(choice),
    train,
    val,
    neighbours: k,
    temperature,
    baselines,
    cache: cache === false ? null : cache === true ? undefined : cache,
    onProgress: imageProgress("features", say),
    say,
  });
  for (const remark of result.remarks) say(`${pc.yellow("remark:")} ${remark}`);
  if (result.skipped.length > 0) say(skippedText(result.skipped));
  console.log(json ? JSON.stringify(result) : knnText(result));
}

/** A line for each feature and k; those of baselines say how far the checkpoint is ahead of them. */
export function knnText(result: CheckpointKnn): string {
  const { features, baselines, network, trainImages, heldOutImages, classes, size, temperature } = result;
  const asked = heldOutImages === null ? "each judged by all others" : `${heldOutImages} images judged`;
  const head = `k-NN of the ${network}: ${trainImages} train images of ${classes} classes, ${asked}, ${size.crop} pixels, temperature ${temperature}`;
  if (baselines.length === 0) return [head, ...table(features)].join("\n");
  const parts = baselines.map(({ meaning, features }) => ["", `${meaning}:`, ...table(features)]);
  const above = `above: top-1 of the ${network} less that of the baseline${pixelsNote(result)}`;
  return [head, ...table(features), ...parts.flat(), "", above].join("\n");
}

type Rows = readonly {
  readonly feature: string;
  readonly scores: readonly (CheckpointScore & { readonly difference?: number })[];
}[];

function table(features: Rows): readonly string[] {
  const title = `${"feature".padEnd(10)}${"k".padStart(6)}${"top-1".padStart(10)}${"95 % interval".padStart(20)}${"top-5".padStart(10)}`;
  const compared = features.some(({ scores }) => scores.some(({ difference }) => difference !== undefined));
  const rows = features.flatMap(({ feature, scores }) =>
    scores.map(({ neighbours, top1, top5, interval: [low, high], difference }) => {
      const range = `${percent(low)} to ${percent(high)}`.padStart(20);
      const ahead = difference === undefined ? "" : points(difference).padStart(10);
      return `${feature.padEnd(10)}${String(neighbours).padStart(6)}${share(top1)}${range}${share(top5)}${ahead}`;
    }),
  );
  return [compared ? `${title}${"above".padStart(10)}` : title, ...rows];
}

/** Pixels are no feature of a network: which one they are held against is said where there are several. */
function pixelsNote({ features, baselines }: CheckpointKnn): string {
  const pixels = baselines.find(({ name }) => name === "pixels")?.features[0];
  return pixels === undefined || features.length === 1 ? "" : `; for pixels that of ${pixels.against}`;
}

export function skippedText(skipped: readonly { readonly file: string; readonly reason: string }[]): string {
  const [first] = skipped;
  return `left out: ${skipped.length} files that cannot be decoded, the first is ${first?.file}: ${first?.reason}`;
}

function percent(value: number): string {
  return (100 * value).toFixed(1);
}

function share(value: number): string {
  return `${(100 * value).toFixed(2)} %`.padStart(10);
}

function points(value: number): string {
  return `${value < 0 ? "" : "+"}${(100 * value).toFixed(2)}`;
}
