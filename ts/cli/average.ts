/** Runs `udi-native average`. */
import pc from "picocolors";
import { averageCheckpoints } from "../weights/average.js";
import type { AverageChoice } from "./average-command.js";

export async function runAverage(
  checkpoints: readonly string[],
  { out, json }: AverageChoice,
): Promise<void> {
  const averaged = await averageCheckpoints({ checkpoints, out });
  for (const remark of averaged.remarks) console.error(`${pc.yellow("remark:")} ${remark}`);
  const { folder, files, networks } = averaged;
  console.log(
    json
      ? JSON.stringify(averaged)
      : `${networks.join(" and ")} of ${files.length} checkpoints averaged\n${folder}`,
  );
}
