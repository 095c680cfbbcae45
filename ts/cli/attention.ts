/** Runs `udi-native attention`. */
import pc from "picocolors";
import type { AttentionResult } from "../evaluate/attention/attention-request.js";
import { drawAttention } from "../evaluate/attention/draw-attention.js";
import type { AttentionChoice } from "./attention-command.js";

export async function runAttention(images: readonly string[], choice: AttentionChoice): Promise<void> {
  const { threshold, pca, smooth, separate, force, json, ...options } = choice;
  const result = await drawAttention({
    ...options,
    images,
    threshold: threshold === false ? null : threshold,
    patches: pca ? "colours" : "none",
    enlargement: smooth ? "smooth" : "nearest",
    files: separate ? "separate" : "sheet",
    existing: force ? "replace" : "refuse",
    onDrawn: ({ sheet }, done, of) => console.error(`${done}/${of}  ${sheet}`),
    onRemark: (line) => console.error(`${pc.yellow("remark:")} ${line}`),
  });
  console.log(json ? JSON.stringify(result) : attentionText(result));
}

/** What was drawn, as lines for a reader. */
export function attentionText({ images, skipped, out, network, explained }: AttentionResult): string {
  const left = skipped.length === 0 ? "" : `, ${skipped.length} skipped`;
  const lines = [
    `${images.length} sheet${images.length === 1 ? "" : "s"} of the ${network} in ${out}${left}`,
  ];
  if (explained !== null) {
    const shares = explained.map((part) => `${(100 * part).toFixed(0)} %`).join(", ");
    lines.push(`red, green and blue: ${shares} of the variance of all patches`);
  }
  return lines.join("\n");
}
