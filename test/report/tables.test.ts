import { join } from "node:path";
import { expect, test } from "vitest";
import { readRun } from "../../ts/report/run-facts.js";
import { scoresTable } from "../../ts/report/tables.js";
import { temporaryFolder } from "../run/temporary-folder.js";
import { writeExample } from "./example-runs.js";

test("the network before the first step is called untrained, or given weights where it is none", async () => {
  const folder = temporaryFolder();
  await writeExample(join(folder, "fresh"), 1);
  await writeExample(join(folder, "given"), 1, "init=weights.safetensors");
  const table = async (name: string) => scoresTable([await readRun(join(folder, name))])?.text;
  expect(await table("fresh")).toContain("<td>untrained</td>");
  expect(await table("given")).toContain("<td>given weights</td>");
});
